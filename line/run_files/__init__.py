"""The files of a run folder: one module reads and writes each format."""
