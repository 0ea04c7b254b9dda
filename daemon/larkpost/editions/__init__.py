"""Editions: recommend papers, publish them, and what is made of published ones."""
