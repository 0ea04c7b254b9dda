"""Replays readers' histories and measures the quality of the ranking."""
