"""Sentences, markup and normalization."""
