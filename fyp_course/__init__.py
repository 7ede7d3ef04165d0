"""What the notebooks show: the stage, and the panels and exercises that stand on it."""
