"""How a model leaves: one file a target."""
