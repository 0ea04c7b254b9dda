"""Transports: what sends messages, by SMTP or into a Maildir."""
