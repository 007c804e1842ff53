"""What `benchmarks.fuzz` and `benchmarks.hostile_worker` send: good examples, and how they are garbled."""
