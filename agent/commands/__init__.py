"""What the commands do, and the options and examples that they share."""
