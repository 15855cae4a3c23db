"""The TTS WebSocket's messages, context states and decisions."""
