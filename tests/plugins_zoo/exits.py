"""A plugin that ends the program when it is imported."""

import sys

XEROTUI_CONTRACT = 1
sys.exit(7)
