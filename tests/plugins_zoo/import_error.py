"""A plugin that can't be imported; its words try to write on the screen."""

XEROTUI_CONTRACT = 1
raise RuntimeError("broken\x1b[2J at import")
