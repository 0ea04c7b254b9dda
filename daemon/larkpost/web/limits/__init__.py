"""Limits per network and per reader, so that nobody delays the others."""
