"""Limits by network and by reader, so that nobody keeps the others waiting."""
