"""Journeys: from a cause, through what Home Assistant does, to the healthy end."""
