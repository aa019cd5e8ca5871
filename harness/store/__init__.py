"""The run directory: one writer, a tolerant reader, a format version."""
