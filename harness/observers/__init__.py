"""Cluster events and the harness's own health -> the timeline of the run."""
