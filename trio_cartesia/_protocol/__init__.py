"""The protocol without I/O: no clock, no sockets, no Trio."""
