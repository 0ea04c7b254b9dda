"""Editions: recommend papers, publish them, and build archives and lists from them."""
