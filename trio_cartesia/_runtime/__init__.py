"""Trio's half of a connection: tasks, inboxes, contexts."""
