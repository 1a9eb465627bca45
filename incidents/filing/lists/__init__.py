"""Customer lists: tables of filings (CSV, XLSX, JSON), read within limits, and written."""
