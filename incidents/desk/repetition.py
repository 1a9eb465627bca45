"""The repetitions: which commands have had their answer under a key already, and which have now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from incidents.desk import access
from incidents.desk.envelope import Answer, Envelope, from_json, to_json
from incidents.machine.commands import RepeatOrder
from incidents.machine.refusals import Refusal
from incidents.record.sealing import fingerprint, is_fingerprint_of
from incidents.store import keys


class Repetitions:
    """The keys of one batch at `now` (UTC); `kept` is what is on record under them."""

    def __init__(self, kept: Mapping[str, keys.Kept], now: datetime) -> None:
        self._kept, self._now = kept, now
        self._new: dict[str, keys.Kept] = {}
        self._expired: set[str] = set()

    def before(self, envelope: Envelope, site: str) -> Answer | Refusal | None:
        """The first answer to the command, or that its key was another one's; None: it is new."""
        kept = self._valid(envelope)
        if kept is None:
            return None
        if is_fingerprint_of(kept.fingerprint, site, envelope.command):
            return from_json(kept.answer)
        return Refusal("key_reused", {"key": envelope.key, "at": kept.recorded_at})

    def keep(self, envelope: Envelope, site: str, answer: Answer) -> None:
        """Keeps the answer, unless the same command may be possible by the next time."""
        assert envelope.key is not None
        if answer.refusal is not None and (
            envelope.key_for
            or answer.document["site"] is None
            or isinstance(envelope.command, RepeatOrder)
            or answer.refusal.name in access.NOT_KEPT
        ):
            # A slip of the finger repeats what was done, what never came to a site was not done at
            # all, who repeats an order looks again first, and who was told to sign in or to look
            # again may have: all may be possible by now.
            return
        self._new[envelope.key] = keys.Kept(
            envelope.key,
            fingerprint(site, envelope.command),
            to_json(answer),
            self._now,
            envelope.command.by,
        )

    def write(self, connection: Connection) -> None:
        """Writes what is kept.

        Raises:
            IntegrityError: if a key was used by another transaction at the same moment.
        """
        keys.save(connection, list(self._new.values()), self._expired)

    def _valid(self, envelope: Envelope) -> keys.Kept | None:
        assert envelope.key is not None
        new = self._new.get(envelope.key)
        if new is not None:
            return new
        kept = self._kept.get(envelope.key)
        if kept is None or envelope.key_for is None:
            return kept
        if self._now - kept.recorded_at < envelope.key_for:
            return kept
        self._expired.add(envelope.key)
        return None
