"""Running layers and networks: how, in which processes, and by which mappings."""
