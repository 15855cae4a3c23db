"""The resources of the API: each method declares its path, its parameters and its result."""
