"""Results in, reports out."""
