"""Customer lists: CSV, XLSX and JSON files of filings, read within bounds, and written."""
