"""What time brings: one tick of all jobs, under leases, each fault kept to its step."""
