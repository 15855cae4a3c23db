"""Versions, models, languages and voices: data."""
