"""Exports everything as JSON Lines, and imports it again."""
