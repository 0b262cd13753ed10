"""A suite for plugin authors to run against their source."""
