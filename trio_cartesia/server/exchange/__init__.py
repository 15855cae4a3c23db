"""One request and its response; CORS; overrides by header and query."""
