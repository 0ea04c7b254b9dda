"""Transports: send messages by SMTP, or put them into a Maildir."""
