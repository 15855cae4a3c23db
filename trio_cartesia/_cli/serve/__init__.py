"""The command ``serve``, and the lists it can print."""
