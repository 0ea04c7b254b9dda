"""Polled sources: the health of each, and the state of its pages."""
