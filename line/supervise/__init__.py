"""The supervisor: starts, watches, restarts and stops the processes, and carries out orders."""
