"""What the lite model was trained on, and how: `world`, `training`, `evaluation`."""
