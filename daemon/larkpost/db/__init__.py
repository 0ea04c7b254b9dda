"""The database: tables, and one module of queries for each noun. Only this package knows SQL."""
