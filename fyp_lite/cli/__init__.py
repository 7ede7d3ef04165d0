"""The command line: `main` has the commands, a module each does their work."""
