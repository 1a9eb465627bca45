"""Customer lists: files of filings (CSV, XLSX, JSON), read within limits, and written."""
