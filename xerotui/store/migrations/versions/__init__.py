"""One file a step. A step never changes once released, and never imports the present tables."""
