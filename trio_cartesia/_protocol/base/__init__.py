"""Shared by every protocol of the API: formats, addresses, credentials, error bodies."""
