"""One module per family of values."""
