"""Schedules: what is done again and again, when it is due, and who sees to it."""
