"""Parsing of clients' messages, queries and settings, and the bodies of errors."""
