"""Inbox: what other systems' customers wrote, accepted once, answered, and told where it came from."""
