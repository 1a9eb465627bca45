"""The log's first key, in a file."""

from pathlib import Path

from incidents.audit import rotation
from incidents.audit.signing_key import KeyRing
from incidents.bootstrap import House
from incidents.desk.log_key import LogKey

NAME = "log.example/desk"


def make_key(house: House, file: Path) -> None:
    """Makes it, and puts it on record."""

    def put(new: str, previous: str | None) -> None:
        house.desk.make_log_key(LogKey(key=new, previous=previous, by="li", login=None))

    rotation.first(house.engine, KeyRing(file), NAME, put)
