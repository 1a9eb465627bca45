"""The contract: each act declared once, for every surface that offers it. Standard library only."""
