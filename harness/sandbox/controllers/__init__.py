"""The controllers of the sandbox: they read and write the cluster through its API only, as their models do."""
