"""The desk: the only component that writes to the record of a site."""

from incidents.desk.desk import Desk
from incidents.desk.envelope import Answer, Envelope

__all__ = ["Answer", "Desk", "Envelope"]
