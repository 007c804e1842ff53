"""Purities that are promised of bins: by which labels, at which thresholds, whether they hold."""
