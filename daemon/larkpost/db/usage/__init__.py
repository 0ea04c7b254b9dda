"""Usage: quotas, the last use, and whose votes count for others."""
