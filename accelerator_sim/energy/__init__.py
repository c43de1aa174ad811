"""What the activity of a machine costs in joules."""
