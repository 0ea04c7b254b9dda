"""Newsletters, confirmations and notices as mail: HTML, plain text and MIME."""
