"""What readers do and have: subscriptions, votes, onboarding, taste profile, quotas."""
