"""Usage: quotas, the last use, and the readers whose votes count for others."""
