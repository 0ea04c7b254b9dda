"""Compares texts of papers: titles, abstracts, and whether two records are one paper."""
