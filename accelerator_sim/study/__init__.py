"""Studies: running layers and networks, and what comes out of them."""
