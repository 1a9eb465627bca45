"""The desk: the only way in which anything is written about a site."""

from incidents.desk.desk import Desk
from incidents.desk.envelope import Answer, Envelope

__all__ = ["Answer", "Desk", "Envelope"]
