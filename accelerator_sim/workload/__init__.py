"""What is computed: layers, networks, and the files that describe them."""
