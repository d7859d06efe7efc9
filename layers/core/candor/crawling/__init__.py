"""Crawling: a website becomes documents, page by page, as a careful person would choose them."""
