"""What came out of a run: values, plain data, rows, and where the figures come from."""
