"""A plan on the terminal and as a page."""
