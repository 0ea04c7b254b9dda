"""The dump formats: one module per format, and what they share (lines, dates, kinds of files)."""
