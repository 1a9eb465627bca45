"""The status of the log: how many entries are pending, numbered and published, and who signs.

The section [audit] of the settings file, which names the signer, the witnesses and the authority,
and the checkpoint on request are here too. Entries that no checkpoint covers are pending, with or
without a number: nothing can be proved about them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

from sqlalchemy import Connection, Engine

from incidents.audit.log import loss, sequencer, signed_files, signers_lock, signing
from incidents.audit.log.signing import AT_LEAST_EACH
from incidents.audit.log.signing_key import KeyRing
from incidents.audit.log.stamp import Authority, NoRootsError
from incidents.audit.log.witnesses import Witness
from incidents.clock import rfc3339
from incidents.errors import Cause, IncidentsError
from incidents.settings import sources
from incidents.settings.options import Options
from incidents.settings.sources import Settings
from incidents.store.database.engine import plainly, reading
from incidents.store.log import checkpoints, leaves
from incidents.store.log.checkpoints import REFUSED, STAYS, Signed
from incidents.tlog.keys import COSIGNATURE_V1, VerifierKey

if TYPE_CHECKING:
    from incidents.contract.documents.record import LogKey, LogProgress, Seen, SigningTrouble


SECTION = "audit"
VARIABLES = {"key": "INCIDENTS_AUDIT_KEY", "publish": "INCIDENTS_AUDIT_PUBLISH"}
DEFAULT_KEY = "audit.key"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """The log's settings: key or signing command, public folder, witnesses and authority.

    `key` is a path even if a command signs, because the last signed note is stored beside it.
    """

    key: Path
    key_command: tuple[str, ...] | None = None
    publish: Path | None = None
    witnesses: tuple[Witness, ...] = ()
    timestamps: Authority | None = None


def load_settings(of: Settings, environ: Mapping[str, str] | None = None) -> LogSettings:
    """Load the log's settings; the environment variable for the key overrides the setting.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: naming the wrong setting.
    """
    environ = os.environ if environ is None else environ
    given = {key: environ[name] for key, name in VARIABLES.items() if environ.get(name)}
    section = sources.section(SECTION, environ) | given
    options = Options(f"[{SECTION}]", section)
    command = options.words("key_command")
    if not command and "key_command" in section:
        raise options.wrong(
            "key_command",
            Cause.of(
                "must_words_of_key_command", 'a list of its words, such as ["kms-sign", "log"]'
            ),
        )
    found = LogSettings(
        key=options.path("key") or sources.default_path(of.db, DEFAULT_KEY),
        key_command=command or None,
        publish=options.path("publish"),
        witnesses=tuple(_witness(each) for each in options.tables("witnesses")),
        timestamps=_authority(options),
    )
    options.finish()
    return found


def _witness(options: Options) -> Witness:
    url, key = options.needed("url"), options.needed("key")
    options.finish()
    try:
        verifier = VerifierKey.parse(key)
    except IncidentsError as error:
        raise options.wrong(
            "key", Cause.of("must_witness", "that of a witness ({message})", message=error.message)
        ) from error
    wrong = "url" if verifier.algorithm == COSIGNATURE_V1 else "key"
    try:
        return Witness(url, verifier)
    except IncidentsError as error:
        raise options.wrong(
            wrong, Cause.of("must_witness", "that of a witness ({message})", message=error.message)
        ) from error


def _authority(options: Options) -> Authority | None:
    own = options.table("timestamps")
    if own is None:
        return None
    url, roots = own.needed("url"), Path(own.needed("roots")).expanduser()
    own.finish()
    try:
        return Authority(url, roots.read_bytes())
    except OSError as error:
        expected = Cause.of(
            "must_roots_readable",
            "a file of root certificates that can be read ({why})",
            why=error.strerror,
        )
        raise own.wrong("roots", expected) from error
    except NoRootsError as error:
        raise own.wrong(
            "roots",
            Cause.of(
                "must_roots", "a file of root certificates ({message})", message=error.message
            ),
        ) from error
    except IncidentsError as error:
        raise own.wrong(
            "url",
            Cause.of("must_authority", "that of an authority ({message})", message=error.message),
        ) from error


LATE_AFTER = timedelta(minutes=1)
"""How long an entry can wait to be published before it is late. A daemon publishes an entry within
about a second."""


def progress(connection: Connection, now: datetime) -> LogProgress:
    """Return the log's status at `now` (UTC) for programs; times are RFC 3339."""
    last = checkpoints.last(connection)
    published = 0 if last is None else last.size
    head = leaves.head(connection)
    unnumbered, unsigned = leaves.unnumbered(connection), leaves.uncovered(connection, published)
    waiting = [each for each in (unnumbered.since, unsigned.since) if each is not None]
    since, key = min(waiting, default=None), checkpoints.active(connection)
    trouble, trouble_since = _trouble(connection)
    return {
        "pending": unnumbered.entries + unsigned.entries,
        "pending_since": None if since is None else rfc3339(since),
        "unnumbered": unnumbered.entries,
        "numbered": head.size,
        "published": published,
        "signed_at": None if last is None else rfc3339(last.signed_at),
        "key": key,
        "signs": key is not None and _signs(last, now, since),
        "witnesses": _cosigned(connection),
        "late": key is not None and since is not None and now - since > LATE_AFTER,
        "trouble": trouble,
        "trouble_since": trouble_since,
    }


def unsigned_since(connection: Connection, now: datetime) -> datetime | None:
    """Since when signing is overdue at `now` (UTC); None if signing is not overdue.

    Signing is overdue if it was refused. It is also overdue if entries have waited for more than a
    minute and signing failed, or a daemon signed earlier. Without a daemon, entries wait until
    somebody brings the key.
    """
    signs = checkpoints.signing_state(connection)
    if signs.how == REFUSED:
        return signs.since
    if signs.how is None or checkpoints.active(connection) is None:
        return None
    return waiting_since(connection, now)


def waiting_since(connection: Connection, now: datetime) -> datetime | None:
    """Since when entries wait for a checkpoint, if for over a minute at `now` (UTC)."""
    last = checkpoints.last(connection)
    since = leaves.oldest_uncovered(connection, 0 if last is None else last.size)
    return since if since is not None and now - since > LATE_AFTER else None


def pending(connection: Connection) -> int:
    """The number of entries that no checkpoint covers, with or without a number."""
    last = checkpoints.last(connection)
    unsigned = leaves.uncovered(connection, 0 if last is None else last.size)
    return leaves.unnumbered(connection).entries + unsigned.entries


def silent_witnesses(status: LogProgress, witnesses: Iterable[Witness]) -> list[str]:
    """The witnesses in the settings that have never countersigned this log."""
    signed = {each["witness"] for each in status["witnesses"]}
    return [each.key.name for each in witnesses if str(each.key) not in signed]


def keys(connection: Connection) -> list[LogKey]:
    """The log's verifier keys, the active one first; times are RFC 3339."""
    newest_first = list(reversed(checkpoints.every_key(connection).values()))
    return [
        {"key": each.key, "since": rfc3339(each.made_at), "by": each.by, "signs": n == 0}
        for n, each in enumerate(newest_first)
    ]


def last_note(connection: Connection) -> str | None:
    """The last checkpoint's signed note, with the signatures of its witnesses, or None."""
    last = checkpoints.last(connection)
    return None if last is None else note_of(connection, last)


def note_of(connection: Connection, signed: Signed) -> str:
    """A checkpoint's signed note, with the signatures of its witnesses below."""
    lines = [each.line for each in checkpoints.cosigned(connection, signed.id)]
    return signed.note + "".join(f"{line}\n" for line in lines)


def _trouble(connection: Connection) -> tuple[SigningTrouble | None, str | None]:
    """How attempts to sign have failed since the last checkpoint, and since when."""
    signs = checkpoints.signing_state(connection)
    if signs.since is None or signs.how == STAYS:
        return None, None
    return cast("SigningTrouble", signs.how), rfc3339(signs.since)


def _signs(last: Signed | None, now: datetime, pending_since: datetime | None) -> bool:
    """Whether the log is signed as a daemon does: every hour, and new entries within a minute."""
    if last is None or now - last.signed_at > AT_LEAST_EACH + LATE_AFTER:
        return False
    return pending_since is None or now - pending_since <= LATE_AFTER


def _cosigned(connection: Connection) -> list[Seen]:
    found: list[Seen] = []
    for witness in checkpoints.witnesses(connection):
        last = checkpoints.last_cosigned(connection, witness)
        if last is not None:
            signed, cosigned = last
            found.append({"witness": witness, "size": signed.size, "at": rfc3339(cosigned.at)})
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpointing:
    """The signed note of the last checkpoint, if any, and the number of entries that it lacks.

    `unable`: why this process could not sign, if so.
    """

    note: str | None
    pending: int
    unable: str | None


def checkpoint_now(engine: Engine, ring: KeyRing, clock: Callable[[], datetime]) -> Checkpointing:
    """Number and sign all entries; `clock` gives the time in UTC.

    Raises:
        InconsistentLogError, LossKnownError: if the log does not begin with the entries signed
            before, or if nobody can tell, even if there is nothing to sign.
        SigningKeyError: if the key cannot be used.
        DatabaseError, FileError: if the database or the disk fails.
    """
    sequencer.number_all(engine)
    files = signed_files.read_folder(ring.file)
    with plainly(engine), reading(engine) as connection:
        place = checkpoints.signing_place(connection)
    if place in (None, signers_lock.place_id(ring.file)):
        # The entries to compare must exist, whichever key has signed them.
        files.whole()
    done = signing.sign(engine, ring, clock(), at_once=True)
    with plainly(engine), reading(engine) as connection:
        lost = None if done.made else loss.find(connection, files)
        if lost is not None:
            lost.refuse()
        return Checkpointing(
            note=last_note(connection),
            pending=pending(connection),
            unable=done.unable,
        )
