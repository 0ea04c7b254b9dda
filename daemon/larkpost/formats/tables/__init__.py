"""The dump format of tables: CSV and TSV with a line of headings."""
