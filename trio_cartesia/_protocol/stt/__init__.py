"""Speech to text over WebSockets (protocol §4), without I/O and without a clock."""
