"""Mails as dumps: digests, listings and alerts, and web pages saved as mail (MHTML)."""
