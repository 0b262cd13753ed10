"""What lasts: the book (TinyDB), the ledger (SQL), the vault."""
