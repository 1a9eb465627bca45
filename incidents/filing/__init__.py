"""The register of filings: the details filed by each site's owner, and their checks."""
