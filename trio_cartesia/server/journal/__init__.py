"""The journal of requests and speech, and the access log."""
