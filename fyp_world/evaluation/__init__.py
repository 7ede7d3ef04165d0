"""How good a model is: `evaluate` is the command."""
