"""What the activity of a machine costs in joules: technology tables and the account."""
