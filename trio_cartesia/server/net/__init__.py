"""HTTP/1.1, WebSocket, permessage-deflate and TLS over any Trio stream."""
