"""Reads of accounting: plain frozen rows for pages, made before the session closes."""
