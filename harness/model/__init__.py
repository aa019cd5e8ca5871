"""Frozen records on which all rooms agree. No I/O."""
