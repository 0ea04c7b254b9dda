"""What a reader was never shown: which part of the papers it is, and what to offer of it."""
