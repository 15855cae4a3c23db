"""A record of what clients asked for and what was sent."""
