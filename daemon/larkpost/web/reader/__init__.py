"""A reader's own pages and feeds, opened by a signed link."""
