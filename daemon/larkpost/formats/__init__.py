"""The dump formats: one module per format, and shared code (lines, dates, file types)."""
