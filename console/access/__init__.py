"""Who may use the console: token, password, sessions, limits."""
