"""Recordings of rollouts: made on any cluster, played again on another, and held against each other."""
