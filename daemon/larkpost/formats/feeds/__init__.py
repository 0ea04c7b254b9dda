"""Dump formats in which papers are the entries of a feed or of an answer in XML."""
