"""Larkpost: the morning paper that learns what its reader likes."""
