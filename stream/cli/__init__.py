"""One file per console script."""
