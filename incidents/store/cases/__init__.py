"""Sites with all that belongs to them: cases, incidents, suspensions, filings, tasks."""
