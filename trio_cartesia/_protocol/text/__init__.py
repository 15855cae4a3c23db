"""Transcripts: the pieces they arrive in, their markup, and what of them is spoken."""
