"""What the runner's commands share: the way from a command line to settings and a model."""
