"""What clients may send, parsed into values, and the bodies of errors."""
