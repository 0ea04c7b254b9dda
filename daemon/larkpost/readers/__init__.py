"""Readers: subscriptions, votes, onboarding, taste profile, quotas."""
