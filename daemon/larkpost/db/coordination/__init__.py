"""Coordination of processes: leases, rate limits, job status, the change token."""
