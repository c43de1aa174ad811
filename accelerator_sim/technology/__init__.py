"""Technology tables: joules per action."""
