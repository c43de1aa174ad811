"""Schedule, engines and the conservation laws."""
