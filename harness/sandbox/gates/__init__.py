"""Readiness gates: a balancer's controller puts them into new pods, and opens them once it knows the pod."""
