"""Polled sources: requests, schedules, politeness rules, and health."""
