"""Speech to text for threads."""
