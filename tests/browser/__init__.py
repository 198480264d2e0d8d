"""The integration as a person meets it, in the real frontend of Home Assistant."""
