"""The one HTTP seam: client, time-outs, governor, OAuth grants, redacted exchange log."""
