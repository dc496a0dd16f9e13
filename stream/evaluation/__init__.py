"""How good a model is: on clips, on long streams, after minutes of other things; every figure with its interval."""
