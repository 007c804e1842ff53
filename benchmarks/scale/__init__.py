"""A line on a cluster: what it costs, and what it survives."""
