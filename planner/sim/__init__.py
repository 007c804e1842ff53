"""The line in virtual time, process by process."""
