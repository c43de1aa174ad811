"""Workload files of other tools: what can be read, and networks written for those tools."""
