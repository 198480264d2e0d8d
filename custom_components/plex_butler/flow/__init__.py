"""What the config flow is made of."""
