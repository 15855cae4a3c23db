"""The client: who asks, and where."""
