"""Benchmarks: how fast the simulator is, alone, beside other programs, over sizes, and against its own versions."""
