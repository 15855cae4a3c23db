"""``trio-cartesia listen``."""
