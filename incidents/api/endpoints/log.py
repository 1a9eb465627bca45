"""The log over HTTP: its status, keys and checkpoint, and its verification.

A verification or a replay reads the whole record, and can take minutes. One request starts it and
waits a while; other requests show its progress.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Query, Request
from pydantic import Field

from incidents import clock
from incidents.api import bodies, problems
from incidents.api.authentication import ReadCaller
from incidents.api.caller import Caller
from incidents.api.operation import JSON, operation, router
from incidents.audit import export, split
from incidents.audit.export import Selection
from incidents.audit.log import signed_files
from incidents.audit.log import status as log_status
from incidents.audit.log.signers_lock import HeldError
from incidents.audit.log.signing_key import KeyRing
from incidents.audit.proof import signed_check, verification
from incidents.audit.proof.proving import Proof, Proving
from incidents.audit.proof.signed_check import Held
from incidents.audit.proof.verdict import Verdict, VerifyOptions
from incidents.audit.proof.voucher import nothing_signed
from incidents.audit.split import Replayed
from incidents.contract.documents import proofs, record
from incidents.errors import IncidentsError
from incidents.store.cases import sites
from incidents.store.log import leaves
from incidents.tlog.keys import COSIGNATURE_V1, ED25519, VerifierKey
from incidents.values import inputs
from incidents.views.record_health import log_health

routes = router("log")

Key = Annotated[str, Field(max_length=300)]
Wait = Annotated[
    int, Query(ge=0, le=25, description="Maximum number of seconds to wait for the result.")
]

_MOST = 20
_NONE = {
    "keys": "not a log key",
    "witnesses": "not a witness key",
    "checkpoints": "not a checkpoint",
    "since": "not a checkpoint",
}


class Known(bodies.Form):
    """What you know about the log from elsewhere: its keys, its witnesses, and saved checkpoints.

    These keys must have signed the log, and these witnesses must have countersigned it. `since` is
    a checkpoint up to which you verified everything earlier: the decisions on a site are not
    repeated if the site has no later entries. If `policy` is false, no decision is repeated.
    """

    keys: list[Key] = Field([], max_length=_MOST)
    witnesses: list[Key] = Field([], max_length=_MOST)
    checkpoints: list[Annotated[str, Field(max_length=20_000)]] = Field([], max_length=_MOST)
    since: Annotated[str, Field(max_length=20_000)] | None = None
    policy: bool = True


class Replaying(bodies.Form):
    """The site to replay; by default all sites."""

    site: Annotated[str, Field(max_length=300)] | None = None


@routes.get("/log", **operation("look", record.LogStatus))
def status(by: ReadCaller) -> JSON:
    """Show how many entries are pending, numbered and published, and who signs the log."""
    settings = log_status.load_settings(by.app.settings)
    files = signed_files.read_folder(settings.key)
    with by.app.reading() as connection:
        so_far = log_status.progress(connection, by.app.now(connection))
        silent = log_status.silent_witnesses(so_far, settings.witnesses)
        found = log_health(connection, files, so_far, silent)
    return JSON(found)


@routes.get("/log/keys", **operation("look", record.LogKeys))
def keys(by: ReadCaller) -> JSON:
    """List the log's verification keys, the active key first."""
    with by.reading() as connection:
        return JSON({"items": log_status.keys(connection)})


@routes.get("/log/checkpoint", **operation("look", record.Checkpoint))
def last(by: ReadCaller) -> JSON:
    """Return the last checkpoint byte for byte, with witness signatures. Save it somewhere else."""
    with by.reading() as connection:
        note, pending = log_status.last_note(connection), log_status.pending(connection)
        if note is None:
            raise nothing_signed(connection)
    return JSON({"checkpoint": note, "pending": pending})


@routes.post("/log/checkpoint", **operation("export", record.Checkpoint, acting=True))
def checkpoint(by: ReadCaller) -> JSON:
    """Number and sign the pending entries, if this server has the key, and return the checkpoint.

    `pending` is the number of entries that the checkpoint does not cover. A server without the key
    returns the last checkpoint.
    """
    settings = log_status.load_settings(by.app.settings)
    ring = KeyRing(settings.key, settings.key_command)
    try:
        done = log_status.checkpoint_now(by.app.engine, ring, clock.now)
    except HeldError as error:
        # The message names a file of this machine.
        raise problems.problem(
            HTTPStatus.SERVICE_UNAVAILABLE, error.name, "another process is signing: try again",
            headers={"Retry-After": "5"},
        ) from error  # fmt: skip
    if done.note is None:
        with by.reading() as connection:
            raise nothing_signed(connection)
    return JSON({"checkpoint": done.note, "pending": done.pending})


@routes.post("/log/verify", **operation("export", proofs.Verified, acting=True))
def verified(by: ReadCaller, request: Request, known: Known, wait: Wait = 20) -> JSON:
    """Verify the log: every entry, tree, checkpoint, signature, and decision.

    Only one verification runs at a time. `ended_at` is null until the verification ends; GET shows
    the progress.
    """
    asked, app = _asked(known), by.app
    with by.reading() as connection:
        size = leaves.head(connection).size
    proving: Proving[Verdict] = request.app.state.verifying
    return _begun(
        proving,
        lambda done: app.views.run(lambda engine: verification.database(engine, asked, done=done)),
        by, size, wait,
    )  # fmt: skip


@routes.get("/log/verify", **operation("export", proofs.Verified))
def verdict(by: ReadCaller, request: Request, wait: Wait = 0) -> JSON:  # noqa: ARG001 - is let in
    """Show the last verification that was requested at this server, running or ended."""
    return _told(request.app.state.verifying.wait(wait))


@routes.post("/log/replay", **operation("export", proofs.Replayed, acting=True))
def replay(by: ReadCaller, request: Request, of: Replaying, wait: Wait = 20) -> JSON:
    """Recalculate all tables from the entries alone, and compare them row by row.

    Only one replay runs at a time. `ended_at` is null until the replay ends; GET shows the
    progress.
    """
    app = by.app
    with by.reading() as connection:
        named = None if of.site is None else sites.named(connection, inputs.site(of.site))["id"]
        size = export.count(connection, Selection(site_id=named))
    proving: Proving[Replayed] = request.app.state.replaying
    return _begun(
        proving, lambda done: app.views.run(lambda engine: split.replayed(engine, named, done)),
        by, size, wait,
    )  # fmt: skip


@routes.get("/log/replay", **operation("export", proofs.Replayed))
def differences(by: ReadCaller, request: Request, wait: Wait = 0) -> JSON:  # noqa: ARG001 - is let in
    """Show the last replay that was requested at this server, running or ended."""
    return _told(request.app.state.replaying.wait(wait))


def _begun(
    proving: Proving[Any], prove: Callable[..., Any], by: Caller, size: int, wait: int
) -> JSON:
    if not proving.begin(prove, by=by.by, of=size, clock=clock.now):
        raise problems.problem(
            HTTPStatus.CONFLICT, "runs_already", "one is already running: GET shows its progress"
        )
    return _told(proving.wait(wait))


def _told(proof: Proof[Verdict] | Proof[Replayed] | None) -> JSON:
    if proof is None:
        raise problems.problem(
            HTTPStatus.NOT_FOUND, "unknown_proof", "none was requested since this server started"
        )
    shown, ended = proof.shown, proof.ended
    return JSON(
        {
            "by": proof.by, "begun_at": clock.rfc3339(proof.begun), "of": proof.of,
            "entries": proof.entries, "ended_at": None if ended is None else clock.rfc3339(ended),
            "failed": proof.failed is not None,
            "shown": None if shown is None else shown.document(),
        }
    )  # fmt: skip


def _asked(known: Known) -> VerifyOptions:
    return VerifyOptions(
        keys=tuple(_key(each, ED25519, "keys", n) for n, each in enumerate(known.keys)),
        witnesses=tuple(
            _key(each, COSIGNATURE_V1, "witnesses", n) for n, each in enumerate(known.witnesses)
        ),
        held=tuple(_held(each, "checkpoints", n) for n, each in enumerate(known.checkpoints)),
        since=None if known.since is None else _held(known.since, "since"),
        policy=known.policy,
    )


def _key(given: str, algorithm: int, of: str, place: int) -> VerifierKey:
    try:
        found = VerifierKey.parse(given.strip())
    except (IncidentsError, UnicodeError) as error:
        raise _wrong(of, "no_key", place) from error
    if found.algorithm != algorithm:
        raise _wrong(of, "no_key", place)
    return found


def _held(given: str, of: str, *place: int) -> Held:
    where = " ".join([of, *map(str, place)])
    try:
        # An incomplete character is not an error of the server.
        return signed_check.read(given.encode(errors="surrogatepass"), where)
    except IncidentsError as error:
        raise _wrong(of, "no_checkpoint", *place) from error


def _wrong(of: str, kind: str, *place: int) -> Exception:
    told = _NONE[of]
    where = problems.part(kind, told, "body", of, *map(str, place))
    return problems.unprocessable(kind, told, errors=[where])
