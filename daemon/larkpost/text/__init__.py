"""Text in its clean, comparable and printable forms: papers, identifiers, mail addresses."""
