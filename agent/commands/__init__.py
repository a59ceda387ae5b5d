"""What the commands do, one module for each that does more than print."""
