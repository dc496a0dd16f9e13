"""What is computed: one file an architecture."""
