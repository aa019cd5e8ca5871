"""This machine -> what the harness can do on it, and the one command that mends what it cannot."""
