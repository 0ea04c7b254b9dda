"""The commands, one module per noun; each is imported when it is called."""
