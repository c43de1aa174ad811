"""Reading the files that users write: YAML with positions, quantities with units, and errors that name the place."""
