"""The TTS endpoints: contexts, their queued text, their output."""
