"""Feeds as RSS, Atom, JSON Feed, and OPML for lists of them."""
