"""The web application: the API and the console in one process."""
