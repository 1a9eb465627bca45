"""The intake rules at work: what they do with reports, and what they would have done."""
