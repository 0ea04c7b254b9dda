"""The roads that letters take."""
