"""What one action costs in joules: technology tables, scaling between nodes, and both applied to an architecture."""
