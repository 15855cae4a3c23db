"""What the site adds to Sphinx: the reference, diagrams drawn from the code, and speech."""
