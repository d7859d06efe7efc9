"""Tickets: what customers asked and staff answered, reviewed before anything of it becomes knowledge."""
