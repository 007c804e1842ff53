"""Sinks that take the rows of a run out of its folder: to a database, to other programs."""
