"""Importing: a helpdesk's dump becomes tickets and documents, by a job that continues where it stopped."""
