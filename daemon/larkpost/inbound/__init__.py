"""Mail that comes back: bounces, votes in replies, and unsubscribing by mail."""
