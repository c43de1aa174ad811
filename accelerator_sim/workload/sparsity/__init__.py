"""Zeros of a network from elsewhere: density tables, and pruning by rule."""
