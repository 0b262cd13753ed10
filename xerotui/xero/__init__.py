"""Talking to Xero: connections, client, wire forms, limits, errors."""
