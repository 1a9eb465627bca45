"""The filings on the command line: the register, its changes, looks and pages."""
