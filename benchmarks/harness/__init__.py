"""What the benchmarks share: clients in processes of their own, loads, rounds and tables."""
