"""What every process of the line is made of: its context, its channel to the supervisor."""
