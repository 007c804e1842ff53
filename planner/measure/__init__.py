"""From runs of the real line to a profile of the machine."""
