"""The outbox: deliveries, notices, sent messages, and bounces."""
