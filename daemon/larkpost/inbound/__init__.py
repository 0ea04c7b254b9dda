"""Inbound mail: bounces, votes in replies, and unsubscribing by mail."""
