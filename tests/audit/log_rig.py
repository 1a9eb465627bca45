"""A desk, its log and its key, at a time that a test moves."""

import weakref
from datetime import UTC, datetime
from pathlib import Path

from incidents.audit.log import rotation, sequencer, signed_files, signing
from incidents.audit.log.signing import Signing
from incidents.audit.log.signing_key import KeyRing
from incidents.desk import Desk, Envelope
from incidents.desk.activation import LogKey
from incidents.machine import commands
from incidents.store.database import engine as engines
from incidents.store.database.engine import reading
from incidents.store.log import checkpoints
from incidents.store.log.checkpoints import Signed
from incidents.testing import Rehearsal
from incidents.tlog import note
from incidents.tlog.keys import VerifierKey

START = datetime(2026, 3, 1, 10, tzinfo=UTC)
NAME = "log.example/incidents"


class LogRig:
    """A desk, its log and its key, at a time that a test moves."""

    def __init__(self, url: str, folder: Path, time: Rehearsal) -> None:
        self.engine = engines.create(url)
        # Many a test makes several; from Python 3.13 on, a connection left open is a warning.
        weakref.finalize(self, self.engine.dispose)
        self.desk = Desk(self.engine)
        self.ring = KeyRing(folder / "audit.key")
        self.time = time
        self.sites = 0

    def add(self, n: int = 1) -> None:
        """Add entries."""
        sites = [f"site-{self.sites + i}.example" for i in range(n)]
        self.sites += n
        add = commands.AddSite(by="operator-1")
        self.desk.submit([Envelope(site=site, command=add) for site in sites])

    def make_key(self, name: str = NAME) -> VerifierKey:
        return rotation.first(self.engine, self.ring, name, self.on_record)

    def begin(self, entries: int = 0) -> VerifierKey:
        """Make the first key, add `entries` entries, and sign them."""
        key = self.make_key()
        self.add(entries)
        self.sign()
        return key

    def go_on(self) -> Signed:
        """One entry more, signed a second later."""
        self.add()
        self.time.later(seconds=1)
        made = self.sign().made
        assert made is not None
        return made

    def rotate(self, *, lost: bool = False) -> VerifierKey:
        new, _ = rotation.rotate(self.engine, self.ring, self.on_record, lost=lost)
        return new

    def on_record(self, key: str, previous: str | None, lost: bool = False, /) -> None:
        new = LogKey(
            key=key, previous=previous, by="operator-1", login=None, lost=lost, reason="a test"
        )
        self.desk.make_log_key(new)

    def sign(self, *, at_once: bool = False) -> Signing:
        sequencer.number_all(self.engine)
        return signing.sign(self.engine, self.ring, self.time.now, at_once=at_once)

    def signed(self) -> list[Signed]:
        with reading(self.engine) as connection:
            return list(checkpoints.every(connection))

    def last(self) -> Signed:
        return self.signed()[-1]

    def beside(self, key: VerifierKey) -> Path:
        """The file of what that key signed last."""
        return signed_files.own_file(self.ring.file, key)

    @property
    def shared(self) -> Path:
        """The one file that an older version of this program knows."""
        return self.ring.file.with_name("audit.key.signed")

    def kept(self, key: VerifierKey) -> str | None:
        """The last checkpoint it signed, by that file."""
        found = signed_files.read(self.ring.file, key)
        return found[0].note if found else None


def opened(signed: Signed, *keys: VerifierKey) -> list[VerifierKey]:
    return note.verified_keys(note.parse(signed.note), keys)
