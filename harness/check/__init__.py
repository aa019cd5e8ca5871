"""Manifests, or what stands in a cluster, into what is wrong with them by the table of hazards; nothing is run."""
