"""The sign-in links of a rehearsal: each signs one person in, once, without a password.

A link has a secret of 256 random bits. Its digest names a file in a folder, which says whom it
signs in, and until when. The folder belongs to the person who made it: only they can make a link,
and a used one is deleted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from incidents.accounts import secrets
from incidents.clock import read_rfc3339, rfc3339
from incidents.errors import IncidentsError

PATH = "/enter/"
"""The path of a link, before the secret."""

VALID_FOR = timedelta(minutes=30)
"""How long a link can be used."""


class NoSignInLinksError(IncidentsError):
    """{where} is not a rehearsal on this machine alone: nobody signs in there without a password"""


@dataclass(frozen=True, slots=True)
class SignInLinks:
    """The links in that folder; `clock` gives aware times in UTC."""

    folder: Path
    clock: Callable[[], datetime]

    def path_for(self, handle: str) -> str:
        """Make a link for a person, and return its path with the secret."""
        secret = secrets.random_cookie()
        until = rfc3339(self.clock() + VALID_FOR)
        self._file(secret).write_text(f"{handle} {until}", encoding="utf-8")
        return PATH + secret

    def use(self, secret: str) -> str | None:
        """Use a link up, and return the handle of its person; None if it is not valid."""
        file = self._file(secret)
        try:
            handle, until = file.read_text(encoding="utf-8").split()
            # Of two visitors only one deletes it.
            file.unlink()
        except OSError:
            return None
        return handle if self.clock() < read_rfc3339(until) else None

    def _file(self, secret: str) -> Path:
        return self.folder / secrets.digest(secret)
