"""The runner's commands, a module each. What one needs beyond the line it imports when called."""
