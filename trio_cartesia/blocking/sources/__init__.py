"""Audio for speech to text, for threads."""
