"""Whole messages over trio-websocket, on streams that we open."""
