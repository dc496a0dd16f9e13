"""Where frames come from: one file a kind, named by its URI scheme."""
