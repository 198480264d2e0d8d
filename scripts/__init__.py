"""What the scripts do that is too long for a shell."""
