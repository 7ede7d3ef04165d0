"""Questions and exercises of the lessons, a module each, so that no notebook shows its answers."""
