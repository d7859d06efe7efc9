"""Indexing: documents made findable, and an index kept true, rebuilt and switched."""
