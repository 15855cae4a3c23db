"""Settings for the questions that the protocol leaves open."""
