"""Xero and every source emulated on loopback; shares no code with the rest."""
