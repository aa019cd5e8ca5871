"""The API server of the sandbox: Kubernetes' REST API over a store in memory."""
