"""The embedded cluster: an API over HTTP, controllers, and nodes whose pods are real processes in real namespaces."""
