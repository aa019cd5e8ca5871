"""What the code says of itself -> pages of the documentation: `python -m scripts.reference`."""
