"""Pages that anybody may read: home, archive, search, feeds, subscribing."""
