"""What the hardware is: architecture files as frozen, validated models."""
