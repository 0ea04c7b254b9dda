"""What processes share: leases, rate limits, job status, the change token."""
