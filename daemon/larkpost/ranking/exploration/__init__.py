"""Papers that a reader was never shown: measures them, and offers some."""
