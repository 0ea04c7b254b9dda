"""Full-text search: the query's syntax, tokens, the index, finding papers."""
