"""Private papers: each belongs to the reader who brought it."""
