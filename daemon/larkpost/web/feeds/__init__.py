"""Answers requests for feeds: parsing, the cache, conditional requests."""
