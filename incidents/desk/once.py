"""The once: an act of the desk's own under a key, done once however often it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from incidents.desk import own_stream
from incidents.errors import RefusedError
from incidents.record.sealing import digest_of, is_digest_of
from incidents.store import keys


class KeyReusedError(RefusedError):
    """the key {key!r} was used for another act: take another one"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """The key, who gives it, and what is asked, which a repetition must have in common; without a
    key an act is done each time."""

    key: str | None
    by: str
    asked: str

    def before(self, connection: Connection) -> dict[str, Any] | None:
        """What was kept when it was done; None if it was not. Nobody does it until the end.

        Raises:
            KeyReusedError: if something else was done under the key.
        """
        if self.key is None:
            return None
        own_stream.locked(connection)
        kept = keys.of(connection, [self.key]).get(self.key)
        if kept is None:
            return None
        if not is_digest_of(kept.fingerprint, self.asked):
            raise KeyReusedError(key=self.key)
        return kept.answer

    def keep(self, connection: Connection, answer: dict[str, Any], now: datetime) -> None:
        """Keeps what a repetition is to be answered with; done at `now` (UTC)."""
        if self.key is not None:
            kept = keys.Kept(self.key, digest_of(self.asked), answer, now, self.by)
            keys.save(connection, [kept], ())
