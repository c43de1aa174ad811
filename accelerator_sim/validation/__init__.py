"""Published figures: the data, what they measure of a run, and how ours compare."""
