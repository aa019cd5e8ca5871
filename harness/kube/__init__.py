"""The Kubernetes API as JSON objects: the only importer of `kubernetes`."""
