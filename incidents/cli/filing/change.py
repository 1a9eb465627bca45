"""The commands that change a filing: its details, its servers, its documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from incidents.cli import options, params, suggestions
from incidents.cli.filing import queries
from incidents.cli.lazy_group import verb
from incidents.cli.submission import Submission
from incidents.errors import Cause, InputError
from incidents.filing import checks, form, ip_addresses
from incidents.filing.finding import WRONG
from incidents.filing.form import DOCUMENT_FIELDS
from incidents.machine import filing
from incidents.machine.commands import ChangeFiling
from incidents.machine.filing import DOCUMENT, SERVER, is_known
from incidents.store.schema.types import canonical
from incidents.values.half_width import half_width

if TYPE_CHECKING:
    from incidents.cli.run import Run

remove_option = click.option("--remove", is_flag=True, help="Remove the whole entry.")


@verb("set")
@params.name_argument
@click.argument("details", nargs=-1, metavar="[KEY=TEXT]…", shell_complete=suggestions.filing_keys)
@click.option(
    "--preset", "presets", multiple=True, metavar="P", shell_complete=suggestions.presets,
    help="Preset details of a provider (see filing presets); details that you type take"
    " precedence.",
)  # fmt: skip
@options.action
def set_(
    submission: Submission, site: str, details: tuple[str, ...], presets: tuple[str, ...]
) -> None:
    """Change details of the filing of NAME: KEY=TEXT sets one, KEY= removes it.

    `incidents filing fields` lists the keys. A detail that looks false to a check raises a
    suspicion for a person to review; a check never closes a site.
    """
    changes = {**_preset(submission.run, presets), **dict(map(_detail, details))}
    if not changes:
        raise InputError.coded(
            "nothing_to_change", "nothing to change: add KEY=TEXT, such as level=3, or --preset"
        )
    change(submission, site, changes)


@verb()
@params.name_argument
@click.argument("label", type=params.text("label", limit=40), metavar="LABEL")
@click.option("--ip", metavar="IP", help="IP address.")
@click.option("--province", metavar="P", help="Province, such as 广东.")
@click.option("--city", metavar="C", help="City, such as 深圳.")
@click.option("--place", metavar="P", help="Exact location.")
@click.option("--count", type=params.IntRange(1, 1_000_000), metavar="N", help="Number of servers.")
@remove_option
@options.action
def server(
    submission: Submission, *, site: str, label: str, remove: bool, **given: str | int | None
) -> None:
    """Record or change the server LABEL of NAME and its location.

    LABEL is a short name that you choose: a-z, 0-9 and -.
    """
    _item(submission, site, SERVER + label, given, remove=remove)


@verb()
@params.name_argument
@click.argument("label", type=params.text("label", limit=40), metavar="LABEL")
@click.argument("file", type=params.File(), metavar="[FILE]", required=False)
@click.option("--kind", metavar="K", help="Kind: access_contract, commercial_licence …")
@click.option("--expires", "expires_on", metavar="DAY", help="Last valid day, such as 2026-12-31.")
@remove_option
@options.action
def document(
    submission: Submission, *, site: str, label: str, file: Path | None, kind: str | None,
    expires_on: str | None, remove: bool,
) -> None:  # fmt: skip
    """Record the document LABEL of NAME: its kind, and the SHA-256 digest of FILE.

    The file is not copied: the digest proves later that it is unchanged. LABEL is a short name that
    you choose: a-z, 0-9 and -.
    """
    from incidents.record import evidence

    kinds = {choice.code for field in DOCUMENT_FIELDS for choice in field.choices}
    if kind is not None and kind not in kinds:
        raise InputError.coded(
            "no_document_kind", "no kind of document named {given!r}: choose one of {known}",
            given=kind, known=", ".join(sorted(kinds)),
        )  # fmt: skip
    given: dict[str, str | int | None] = {"kind": kind, "expires_on": _day(expires_on)}
    if file is not None:
        digest, size = evidence.measure(file, limit=submission.run.settings.evidence_limit)
        given |= {"digest": digest, "size": size}
    _item(submission, site, DOCUMENT + label, given, remove=remove)


def change(submission: Submission, site: str, changes: Mapping[str, str]) -> None:
    """Submit the changes and write the answer, with the steps that a changed address requires."""
    _submit(
        submission, site, ChangeFiling(by=submission.by, details=tuple(sorted(changes.items())))
    )


def _submit(submission: Submission, site: str, command: ChangeFiling) -> None:
    told = _notes(submission, site, command)
    submission.submit(site, command)
    submission.run.inform(*told)


def _notes(submission: Submission, site: str, command: ChangeFiling) -> list[str]:
    """The notes to show after the answer; empty for a program.

    The notes are read before the change is on record.
    """
    run = submission.run
    if run.for_programs or run.remote is not None:
        return []
    from incidents import views

    with run.local.reading() as connection:
        details = views.filings_of(connection, [site]).get(site)
    if details is None:
        return []
    changes = dict(command.details)
    for key, name, text in command.parts:
        item = json.loads(changes.get(key) or details.get(key) or "{}")
        changes[key] = canonical({**item, name: text})
    return [*_wrong_days(run, details, changes), *_checklist(run, site, details, changes)]


def _wrong_days(run: Run, details: Mapping[str, str], changes: Mapping[str, str]) -> list[str]:
    """Name the changed days that look wrong, because a slip would end a running deadline."""
    if not any(key in changes for key in filing.DAYS):
        return []
    after = filing.changed(details, changes)
    found = checks.check(after, today=queries.today(run))
    return [
        run.text(
            "filing_change.wrong", field=queries.field_label(run, each.field),
            what=queries.sentence(run, each),
        )
        for each in found
        if each.verdict == WRONG and each.field in filing.DAYS and each.field in changes
    ]  # fmt: skip


def _checklist(
    run: Run, site: str, details: Mapping[str, str], changes: Mapping[str, str]
) -> list[str]:
    """The steps to take after a commercial site has moved."""
    steps = ip_addresses.remaining_steps(details, changes)
    if not steps:
        return []
    spoken = queries.finding_catalogue(run)
    lines = [spoken.word("step", step) for step in steps]
    return [run.text("filing_change.moved", site=site), *lines]


def _item(
    submission: Submission,
    site: str,
    key: str,
    given: Mapping[str, str | int | None],
    *,
    remove: bool,
) -> None:
    changes = {name: str(value).strip() for name, value in given.items() if value is not None}
    if remove and changes:
        raise InputError.coded(
            "remove_alone", "--remove removes the whole entry: give no other option with it"
        )
    if not (remove or changes):
        raise InputError.coded(
            "nothing_said", "nothing to change about {key}: add what changed, or --remove", key=key
        )
    if not is_known(key):
        raise InputError.coded(
            "no_label", "{key!r} is not a label: use a-z, 0-9 and -, such as {begin}.main",
            key=key, begin=key[:6],
        )  # fmt: skip
    if remove:
        change(submission, site, {key: ""})
    else:
        # The desk merges them into the filing, so that a concurrent change is kept.
        parts = tuple((key, name, text) for name, text in changes.items())
        _submit(submission, site, ChangeFiling(by=submission.by, parts=parts))


def _preset(run: Run, names: tuple[str, ...]) -> dict[str, str]:
    if not names:
        return {}
    from incidents.filing import presets

    known = queries.known_presets(run)
    return {key: text for name in names for key, text in presets.of(known, name).items()}


def _detail(given: str) -> tuple[str, str]:
    """Read KEY=TEXT: the key or its label on the form, and the text as in a customer list."""
    from incidents.filing.lists import customer_value

    label, equals, text = given.partition("=")
    label, text = label.strip(), text.strip()
    if not equals:
        raise InputError.coded(
            "no_equals", "{given!r} has no =: write KEY=TEXT, or KEY= to remove it", given=given
        )
    key = label if is_known(label) else form.key_of_label(label)
    if key is None or not is_known(key):
        near = form.similar_keys(label)
        if near:
            sentence = f"no filing detail named {label!r}. Did you mean {' or '.join(near)}?"
            raise InputError(
                Cause.formatted("no_detail_near", sentence, {"given": label, "near": near})
            )
        sentence = "no filing detail named {given!r}: incidents filing fields lists them"
        raise InputError.coded("no_detail", sentence, given=label)
    if not text:
        return key, ""
    text = params.text(key)(text)
    if key not in form.FIELD_OF:
        return key, text
    try:
        return key, customer_value.reader(key)(text)
    except customer_value.UnreadableValueError as error:
        sentence = "{key} cannot be {text!r}: {why}"
        raise InputError.coded("bad_detail", sentence, key=key, text=text, why=error.why) from None


def _day(given: str | None) -> str | None:
    if not given:
        return given
    try:
        return date.fromisoformat(half_width(given).strip()).isoformat()
    except ValueError:
        sentence = "not a valid date: {given!r} (write 2026-12-31)"
        raise InputError.coded("no_day", sentence, given=given) from None
