"""What one action costs, and in which unit: technology tables, their scaling, and both applied to an architecture."""
