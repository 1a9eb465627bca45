"""What a customer sees of an incident: the page behind the link in a notice."""
