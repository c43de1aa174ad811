"""How results look where people use Python: lines, tables in notebooks, pages, progress."""
