"""The register of filings: the details filed by a site's owner, and their checks."""
