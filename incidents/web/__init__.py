"""The web: one application that joins the API and the console, and the process that serves it."""
