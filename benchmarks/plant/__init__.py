"""What it costs to have a line's rows in a plant's database, and what it survives."""
