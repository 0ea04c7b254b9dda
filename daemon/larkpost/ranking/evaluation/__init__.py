"""Replays readers' histories and measures what the ranking was worth."""
