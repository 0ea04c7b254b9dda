"""Private papers: each belongs to the reader who imported it."""
