"""What the crash test, the soak test and the benchmarks share."""
