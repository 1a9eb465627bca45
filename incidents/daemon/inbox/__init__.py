"""The duties of the report inbox: fetch, read, let rules act, answer, and look at pages."""
