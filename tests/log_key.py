"""The log's first key, in a file."""

from pathlib import Path

from incidents.app import App
from incidents.audit.log import rotation
from incidents.audit.log.signing_key import KeyRing
from incidents.desk.activation import LogKey

NAME = "log.example/desk"


def make_key(app: App, file: Path) -> None:
    """Make a key, and put it on record."""

    def put(new: str, previous: str | None) -> None:
        app.desk.make_log_key(LogKey(key=new, previous=previous, by="li", login=None))

    rotation.first(app.engine, KeyRing(file), NAME, put)
