"""What a Kubernetes spec means: pure functions of manifests and API objects, each meaning in one place."""
