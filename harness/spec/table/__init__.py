"""The rows of the table of hazards, by what they are about; `harness.spec.hazards` puts them together."""
