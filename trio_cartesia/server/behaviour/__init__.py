"""What the protocol leaves open, as settings of the service."""
