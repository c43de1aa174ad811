"""What one action costs, and in which unit: technology tables, scaling between nodes, and both applied to an architecture."""
