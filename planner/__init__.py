"""The line in virtual time: its belt, its decisions and its policies, without its processes."""
