"""Faults by name, and what injects them."""
