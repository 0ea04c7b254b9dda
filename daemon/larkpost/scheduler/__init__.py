"""The periodic jobs: one tick runs them all, under leases, and isolates the errors of each step."""
