"""How a layer is laid on the array: mappings, their legality, their files, and the search for the best one."""
