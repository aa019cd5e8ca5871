"""The node's agent: pods of the API become processes in namespaces, and what becomes of them becomes their status."""
