"""Reads a papers page as text that any program may have written, step by step."""
