"""The database: tables, and one module of queries per noun. Only this package uses SQL."""
