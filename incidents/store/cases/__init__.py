"""Sites with their cases, incidents, suspensions, filings and tasks."""
