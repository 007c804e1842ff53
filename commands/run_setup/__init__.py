"""From a command line to settings, a model, a run, and its accounts."""
