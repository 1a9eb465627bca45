"""The customer's page, of one incident, below /c/."""
