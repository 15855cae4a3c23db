"""Speech-to-text sessions on a connection's tasks."""
