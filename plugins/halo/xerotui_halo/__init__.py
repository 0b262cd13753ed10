"""HaloPSA as a source for XeroTUI."""
