"""The retention: how long people's own words and files are kept, and when they go."""
