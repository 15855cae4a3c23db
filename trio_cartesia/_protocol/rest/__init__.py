"""The protocol of requests over HTTP: their types, server-sent events, pages and WAV files."""
