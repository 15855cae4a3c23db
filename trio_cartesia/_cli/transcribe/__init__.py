"""``trio-cartesia transcribe``."""
