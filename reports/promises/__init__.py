"""What was promised of the bins of a run, and what labels say of it."""
