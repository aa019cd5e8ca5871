"""Rollout harness: does a Kubernetes rollout drop calls, why, and what is the smallest change that stops it?"""

__version__ = "0.1.0"
