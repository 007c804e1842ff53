"""The way in from other machines: keys and encryption."""
