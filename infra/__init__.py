"""Infrastructure: the template as data, and the local cloud that runs it."""
