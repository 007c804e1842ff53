"""Many simulated lines, and what they say about a belt."""
