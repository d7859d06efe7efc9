"""Statistics: how the assistant is used, what it costs, and how often it knows."""
