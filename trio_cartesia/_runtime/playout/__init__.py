"""A context's speech in equal frames, at the pace of playing, and what of it was heard."""
