"""What rows look like: pure functions from the pages of the workspace to columns, cells and texts."""
