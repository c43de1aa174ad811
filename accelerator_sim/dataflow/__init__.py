"""Dataflows: what a PE keeps, and which loops may run in parallel."""
