"""A WHMCS site: its tickets, read over its API or as a browser would, and never changed."""
