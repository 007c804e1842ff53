"""How soon the line notices that what comes is not as it was, and how often it does so wrongly."""
