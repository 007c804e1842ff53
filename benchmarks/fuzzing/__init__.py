"""What the fuzzers send: good examples, and how they are garbled."""
