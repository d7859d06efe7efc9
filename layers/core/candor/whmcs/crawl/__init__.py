"""Crawling WHMCS: a helpdesk's tickets fetched step by step, as a job, and fetched again when they change."""
