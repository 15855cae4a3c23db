"""The command ``say``."""
