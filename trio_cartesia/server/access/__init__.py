"""Credentials, access tokens, plans and their limits."""
