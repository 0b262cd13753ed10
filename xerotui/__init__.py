"""XeroTUI: billing from PSA and CRM systems into Xero, planned before it is written."""

__version__ = "0.1.0"
