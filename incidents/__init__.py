"""The system of record of a hosting provider's violation desk."""

__version__ = "0.1.0"
