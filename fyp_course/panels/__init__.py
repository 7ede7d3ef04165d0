"""The panels that learners use: a module each; `base` has what all share."""
