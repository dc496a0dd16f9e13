"""Where updates go: one file a kind."""
