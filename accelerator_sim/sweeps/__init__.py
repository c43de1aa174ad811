"""Many variations of a machine on many networks: what is varied, the store of results, and the workers that fill it."""
