"""Pure functions on Kubernetes manifests: read, find, patch, mitigate."""
