"""Dump formats whose papers are entries of a feed or of an XML answer."""
