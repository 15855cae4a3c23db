"""The clients that are compared, each started in a process of its own by ``harness.rounds``."""
