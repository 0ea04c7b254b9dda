"""Sends the messages of the outbox, retries by one policy, and pauses while the server is down."""
