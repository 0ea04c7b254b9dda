"""Reads a papers page saved as text by any program, step by step."""
