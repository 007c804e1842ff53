"""Pages of the console that stay open while a line is measured."""
