"""`Cartesia`, and what it offers."""
