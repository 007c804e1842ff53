"""Several ways to run one job, the line among them, with one measure. See docs/speed.md."""
