"""How fast loops and lines are measured, and what their processes use of the processor."""
