"""WHMCS: tickets of that helpdesk, out of its dumps, its pages and its API."""
