"""The words of papers and interests: tokens, phrases, and which of them are shown."""
