"""What is done to the application on purpose (Kubernetes: a voluntary disruption)."""
