"""Speech to text: its WebSockets, its requests over HTTP, and the turns of a conversation."""
