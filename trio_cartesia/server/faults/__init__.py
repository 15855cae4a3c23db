"""Faults: their names and syntax, and the stream that injects them."""
