"""Widgets of the console: no I/O, no registry, no knowledge of the app; each says by messages what happened."""
