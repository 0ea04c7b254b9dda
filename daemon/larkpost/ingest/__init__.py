"""Reads dumps from the inbox or by hand into the database, safely and only once."""
