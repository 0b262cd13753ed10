"""What is synced, as pure values: kinds, records, postings, tax, money, problems, work. No I/O."""
