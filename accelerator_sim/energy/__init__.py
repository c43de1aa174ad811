"""What the activity of a machine costs: joules, or multiples of one MAC."""
