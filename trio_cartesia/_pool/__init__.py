"""Contexts from a few warm connections, within what the account's plan allows at once."""
