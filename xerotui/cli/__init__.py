"""The command line: the same requests and pages as the console, as tables for people and JSON for scripts."""
