"""Polled sources: what is asked for, when, by which rules of politeness, and how it is doing."""
