"""The register of filings: what a site's owner has filed, and whether it can be true."""
