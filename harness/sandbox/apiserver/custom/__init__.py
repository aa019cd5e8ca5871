"""CustomResourceDefinitions -> kinds that the API serves like its own."""
