"""NetHelpDesk as a source: its SQL Server database, or a folder of CSV files."""
