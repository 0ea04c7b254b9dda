"""The outbox: deliveries, notices, messages as sent, and bounces."""
