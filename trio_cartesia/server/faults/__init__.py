"""Faults: their names and syntax, and their injection into streams and messages."""
