"""Voices: the interface, tones, and eSpeak NG."""
