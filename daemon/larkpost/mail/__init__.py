"""Sends what the outbox holds, retries by one policy, and rests when a server is down."""
