"""Causes and lags -> what would have held."""
