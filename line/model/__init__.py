"""What the line knows of a model file without running it."""
