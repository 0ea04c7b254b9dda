"""Decides which paper a record is, and writes what is new of it."""
