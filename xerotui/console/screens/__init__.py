"""The screens: each shows one area, asks the workspace, and remembers nothing but how it is looked at."""
