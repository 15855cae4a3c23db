"""Shared by the benchmarks: clients in separate processes, loads, rounds and tables."""
