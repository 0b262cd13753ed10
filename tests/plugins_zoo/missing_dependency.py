"""A plugin that needs a package that nobody has."""

import importlib

XEROTUI_CONTRACT = 1
client = importlib.import_module("package_that_nobody_has")
