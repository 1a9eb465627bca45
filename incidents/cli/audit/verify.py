"""The verification command: verify the desk's own log, or any bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from incidents.cli import options, output, params
from incidents.cli.audit import audit, verdicts
from incidents.cli.lazy_group import verb
from incidents.cli.run import JSON, Run
from incidents.errors import (
    DONE,
    NOT_VERIFIED,
    FileError,
    IncidentsError,
    InputError,
)
from incidents.tlog.keys import COSIGNATURE_V1, ED25519, VerifierKey

if TYPE_CHECKING:
    from incidents.audit.facts import Flaw
    from incidents.audit.proof.signed_check import Held
    from incidents.audit.proof.verdict import Verdict, VerifyOptions

AUTO = "auto"
MAX_KEY_BYTES = 1_000_000


@verb()
@click.argument("bundle", type=params.File(), metavar="[FILE|DIR]", required=False)
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="VKEY|FILE",
    help="Key of the log from a source that you trust: this key, or one that it handed over"
    " to, must have signed the log.",
)
@click.option(
    "--checkpoint",
    "held",
    multiple=True,
    type=params.File(),
    metavar="FILE",
    help="Checkpoint that you kept elsewhere: the entries that it covers must be unchanged.",
)
@click.option(
    "--witness",
    "witnesses",
    multiple=True,
    metavar="VKEY|FILE",
    help="Key of a witness that you trust: the witness must have countersigned.",
)
@click.option(
    "--since",
    metavar="FILE|auto",
    help="Checkpoint of an earlier verification: decisions on sites without later entries are"
    " not repeated. auto: the checkpoint that the last run with auto saved.",
)
@click.option("--no-policy", is_flag=True, help="Do not repeat the decisions.")
@options.view
def verify(
    run: Run, *, bundle: Path | None, keys: Sequence[str], held: Sequence[Path],
    witnesses: Sequence[str], since: str | None, no_policy: bool,
) -> int:  # fmt: skip
    """Verify the log in the database, or the bundle FILE or DIR.

    It hashes each entry again, rebuilds the tree, checks each checkpoint and signature, and repeats
    each decision under the policy that was active. Exits 5 if anything is wrong, and names the
    first wrong entry.
    """
    kept = _kept(run, bundle) if since == AUTO else None
    asked = replace(_asked(keys, held, witnesses, policy=not no_policy), since=_since(since, kept))
    verdict = _of_log(run, asked) if bundle is None else _of_bundle(bundle, asked)
    if run.format == JSON:
        output.write_document(run, verdict.document(), rows=[])
    elif run.for_programs:
        output.write_documents(run, map(asdict, verdict.findings))
    elif run.quiet:
        run.write(*(flaw.where for flaw in verdict.findings))
    else:
        answer, *reasons = verdicts.sentences(verdict, run, asked)
        run.inform(answer)
        run.write(*(_wrong(run, flaw) for flaw in verdict.findings))
        run.inform(*reasons)
    if kept is not None and verdicts.keep_checkpoint(kept, verdict, asked.since):
        run.inform(run.text("audit_verify.kept", file=kept))
    return NOT_VERIFIED if verdict.findings else DONE


def _wrong(run: Run, flaw: Flaw) -> str:
    return run.text("audit_verify.wrong", where=flaw.where, what=flaw.what)


def _kept(run: Run, bundle: Path | None) -> Path:
    if bundle is not None:
        raise InputError.coded(
            "auto_of_bundle",
            "--since {auto} works only for the desk's own log: for a bundle, name the checkpoint of"
            " one that you verified before",
            auto=AUTO,
        )
    return verdicts.kept_place(run)


def _since(given: str | None, kept: Path | None) -> Held | None:
    """The checkpoint that was verified before; None if there is none.

    Raises:
        InputError: if the file does not hold a checkpoint.
    """
    if kept is not None:
        data = verdicts.read_kept(kept)
        return None if data is None else _checkpoint(data, kept, "--since")
    if given is None:
        return None
    file = Path(params.file_name(given))
    return _checkpoint(_read(file), file, "--since")


def _of_log(run: Run, asked: VerifyOptions) -> Verdict:
    """Verify the desk's own log: in the database, or through its server."""
    if run.remote is not None:
        return run.remote.record.verdict(asked, audit.watched(run.text("audit_verify.progress")))
    from incidents.audit.facts import Flaw
    from incidents.audit.log import loss, signed_files, status
    from incidents.audit.proof import verification

    files = signed_files.read_folder(status.load_settings(run.settings).key)
    with run.local.reading() as connection:
        lost = loss.find(connection, files)
    verdict = run.local.views.run(lambda engine: verification.database(engine, asked))
    if files.unread is not None and verdict.key is not None:
        run.inform(run.text("log_status.uncompared", why=files.unread))
    if lost is None:
        return verdict
    flaw = Flaw(part="checkpoints", where=str(lost.kept.file), what=lost.detail)
    return replace(verdict, findings=(*verdict.findings, flaw))


def _of_bundle(bundle: Path, asked: VerifyOptions) -> Verdict:
    from incidents.audit.proof import bundle_archive, bundle_verification

    with bundle_archive.unpacked(bundle) as folder:
        return bundle_verification.bundle(folder, asked)


def _asked(
    keys: Sequence[str], held: Sequence[Path], witnesses: Sequence[str], *, policy: bool
) -> VerifyOptions:
    from incidents.audit.proof.verdict import VerifyOptions

    return VerifyOptions(
        keys=tuple(key for given in keys for key in _keys(given, ED25519, "--key")),
        witnesses=tuple(
            key for given in witnesses for key in _keys(given, COSIGNATURE_V1, "--witness")
        ),
        held=tuple(_checkpoint(_read(file), file, "--checkpoint") for file in held),
        policy=policy,
    )


def _keys(given: str, algorithm: int, option: str) -> list[VerifierKey]:
    """The verifier key that was typed, or the keys in the file of that name."""
    text = given
    if "+" not in given or Path(given).is_file():
        text = _read(Path(params.file_name(given))).decode(errors="replace")
    found = []
    for line in text.split("\n"):
        if line.strip():
            try:
                found.append(VerifierKey.parse(line.strip()))
            except IncidentsError as error:
                raise InputError.coded(
                    "option_value", "{option}: {why}", option=option, why=error.message
                ) from error
    if not found or any(key.algorithm != algorithm for key in found):
        code = "not_key_of_log" if algorithm == 1 else "not_key_of_witness"
        raise InputError.coded(code, _NOT_KEY[code], option=option, given=given)
    return found


def _checkpoint(data: bytes, file: Path, option: str) -> Held:
    from incidents.audit.proof import signed_check

    try:
        return signed_check.read(data, str(file))
    except IncidentsError as error:
        facts = {"option": option, "file": file, "why": error.message}
        if option != "--since":
            raise InputError.coded("option_file", "{option} {file}: {why}", **facts) from error
        sentence = "{option} {file}: {why}; omit {option} to verify everything"
        raise InputError.coded("option_since", sentence, **facts) from error


_NOT_KEY = {
    "not_key_of_log": "{option}: {given!r} is not the key of a log (0x01)",
    "not_key_of_witness": "{option}: {given!r} is not the key of a witness (0x04)",
}


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_KEY_BYTES)
    except OSError as error:
        raise FileError.of(str(file), "read", error) from error
