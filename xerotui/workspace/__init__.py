"""The one door for console and command line: wiring, command registry, requests and pages."""
