"""The resources of the API for threads; tools/write_blocking.py writes them."""
