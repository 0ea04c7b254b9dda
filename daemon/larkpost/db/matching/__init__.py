"""Matches records to papers, and writes the new data."""
