"""Where what is told of configured sources goes, besides those who watch: one file a kind."""
