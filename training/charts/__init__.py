"""Pictures of figures that more than one command draws."""
