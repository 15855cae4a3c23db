"""``trio-cartesia batch``."""
