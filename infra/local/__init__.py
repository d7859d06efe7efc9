"""The local cloud: the real template on one machine, with no account."""
