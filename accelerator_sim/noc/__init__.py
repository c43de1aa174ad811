"""The networks on chip: topology, routing modes, multicast trees."""
