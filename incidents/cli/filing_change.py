"""The acts on a filing: its details, its servers, its documents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from incidents.cli import filing_look, params
from incidents.cli.act import Act
from incidents.cli.options import acting
from incidents.errors import InputError
from incidents.machine.commands import ChangeFiling
from incidents.machine.filing import DOCUMENT, FIELDS, SERVER, is_known

if TYPE_CHECKING:
    from incidents.cli.run import Run

_ADDRESSES = frozenset({"ip", "contract_ip", "resolved_ip", "reported_ip", SERVER})
"""What may say that a site has moved."""

remove_option = click.option("--remove", is_flag=True, help="Take it off the record.")


@click.command("set")
@params.name_argument
@click.argument("details", nargs=-1, metavar="[KEY=TEXT]…")
@click.option(
    "--preset", "presets", multiple=True, metavar="P",
    help="The details of a provider (filing presets lists them); what is typed wins.",
)  # fmt: skip
@acting
def set_(act: Act, site: str, details: tuple[str, ...], presets: tuple[str, ...]) -> int:
    """Change details of the filing of NAME: KEY=TEXT each, and KEY= takes one away.

    `incidents filing fields` lists the keys. What a check takes for false raises a suspicion, which
    somebody looks into; nothing is closed by it.
    """
    changes = {**_preset(act.run, presets), **dict(map(_detail, details))}
    if not changes:
        raise InputError("nothing to change is given: add KEY=TEXT, such as level=3, or --preset")
    return change(act, site, changes)


@click.command()
@params.name_argument
@click.argument("label", type=params.text("label", limit=40), metavar="LABEL")
@click.option("--ip", metavar="IP", help="Its address.")
@click.option("--province", metavar="P", help="The province that it stands in, such as 广东.")
@click.option("--city", metavar="C", help="The city, such as 深圳.")
@click.option("--place", metavar="P", help="Where it stands, more precisely.")
@click.option("--count", type=click.IntRange(1, 1_000_000), metavar="N", help="How many they are.")
@remove_option
@acting
def server(act: Act, *, site: str, label: str, remove: bool, **given: str | int | None) -> int:
    """Put the server LABEL of NAME on record with its place, or what has changed of it.

    LABEL is a short name of your own: a-z, 0-9 and -.
    """
    return _item(act, site, SERVER + label, given, remove=remove)


@click.command()
@params.name_argument
@click.argument("label", type=params.text("label", limit=40), metavar="LABEL")
@click.argument("file", type=params.File(), metavar="[FILE]", required=False)
@click.option("--kind", metavar="K", help="What it is: access_contract, commercial_licence …")
@click.option("--expires", "expires_on", metavar="DAY", help="Its last day, such as 2026-12-31.")
@remove_option
@acting
def document(
    act: Act, *, site: str, label: str, file: Path | None, kind: str | None,
    expires_on: str | None, remove: bool,
) -> int:  # fmt: skip
    """Put the document LABEL of NAME on record: what it is, and the digest (SHA-256) of FILE.

    The file stays where it is: the digest proves later that it is the same. LABEL is a short name
    of your own: a-z, 0-9 and -.
    """
    from incidents import evidence
    from incidents.filing.form import DOCUMENT_FIELDS

    kinds = {choice.code for field in DOCUMENT_FIELDS for choice in field.choices}
    if kind is not None and kind not in kinds:
        raise InputError(f"{kind!r} is no kind of document; there are {', '.join(sorted(kinds))}")
    given: dict[str, str | int | None] = {"kind": kind, "expires_on": _day(expires_on)}
    if file is not None:
        digest, size = evidence.measure(file, limit=act.run.settings.evidence_limit)
        given |= {"digest": digest, "size": size}
    return _item(act, site, DOCUMENT + label, given, remove=remove)


def change(act: Act, site: str, changes: Mapping[str, str]) -> int:
    """Give the desk those changes, and answer, with what a changed address asks for. The exit
    status."""
    command = ChangeFiling(by=act.by, details=tuple(sorted(changes.items())))
    told = _checklist(act, site, changes)
    status = act.submit(site, command)
    act.run.tell(*told)
    return status


def _checklist(act: Act, site: str, changes: Mapping[str, str]) -> list[str]:
    """What is to be done when a commercial site has moved; ask before the change is on record.

    Nothing is told where a program reads.
    """
    run = act.run
    if run.for_programs or run.remote is not None or _ADDRESSES.isdisjoint(map(_kind, changes)):
        return []
    from incidents.filing import changed_address, finding_words

    with run.house.reading() as connection:
        details = run.house.views.filing_details(connection, site)
    steps = changed_address.to_do(details, changes)
    if not steps:
        return []
    told = [finding_words.WORDS[f"step.{step}"] for step in steps]
    return [f"{site} is a commercial site, and its address has changed. To be done:", *told]


def _kind(key: str) -> str:
    return SERVER if key.startswith(SERVER) else key


def _item(
    act: Act, site: str, key: str, given: Mapping[str, str | int | None], *, remove: bool
) -> int:
    said = {name: str(value).strip() for name, value in given.items() if value is not None}
    if remove and said:
        raise InputError("--remove takes all of it off the record: say nothing else with it")
    if not (remove or said):
        raise InputError(f"nothing is said of {key}: add what has changed, or --remove")
    if not is_known(key):
        raise InputError(f"{key!r} is no label: use a-z, 0-9 and -, such as {key[:6]}.main")
    if remove:
        return change(act, site, {key: ""})
    # The desk puts them beside what is filed: nobody who does the same meanwhile is undone.
    parts = tuple((key, name, text) for name, text in said.items())
    return act.submit(site, ChangeFiling(by=act.by, parts=parts))


def _preset(run: Run, names: tuple[str, ...]) -> dict[str, str]:
    if not names:
        return {}
    from incidents.filing import presets

    known = filing_look.known_presets(run)
    return {key: text for name in names for key, text in presets.of(known, name).items()}


def _detail(given: str) -> tuple[str, str]:
    key, equals, text = given.partition("=")
    key = key.strip()
    if not equals:
        raise InputError(f"{given!r} says nothing: write KEY=TEXT, or KEY= to take it away")
    if not is_known(key):
        from difflib import get_close_matches

        near = get_close_matches(key, FIELDS, 2)
        way_out = f"did you mean {' or '.join(near)}?" if near else "filing fields lists them"
        raise InputError(f"a filing has no detail {key!r}: {way_out}")
    return key, params.text(key)(text) if text.strip() else ""


def _day(given: str | None) -> str | None:
    if not given:
        return given
    try:
        return date.fromisoformat(given).isoformat()
    except ValueError:
        raise InputError(f"{given!r} is no day: write it as 2026-12-31") from None
