"""The looks at filings: details, what is missing, what the checks say, the terms that run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import click

from incidents.cli import output, params
from incidents.cli.options import looking
from incidents.errors import DONE, NOT_VERIFIED

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.contract.documents.filings import FilingOnRecord, SiteTerm, TermOfSite
    from incidents.filing.checks.finding import Finding
    from incidents.filing.form import Field
    from incidents.filing.presets import Preset
    from incidents.locale.words import Document

_COLOURS = {"ok": "green", "suspect": "yellow", "wrong": "red", "unknown": "cyan"}
_LOUDEST = ("wrong", "suspect", "unknown", "ok")


@click.command()
@params.name_argument
@looking
def show(run: Run, site: str) -> int:
    """What is filed of NAME in the order of the official form, what is missing, and its terms."""
    from incidents.filing.checks import checks as documents

    found = filed(run, site)
    document = {**found, **documents.completeness_document(details_of(found))}
    if run.quiet:
        run.say(str(found["site"]))
    elif run.for_programs:
        details = document["details"].items()
        rows = [{"site": document["site"], "key": key, "text": text} for key, text in details]
        output.document(run, document, rows=rows)
    else:
        _show(run, document)
    return DONE


@click.command()
@params.name_argument
@looking
def check(run: Run, site: str) -> int:
    """Check what is filed of NAME: each finding with its reason and its source.

    Exit status 5 if something is wrong. What no check can tell is a warning. A suspicion that a
    detail is false is somebody's to look into: no check closes a site (R4).
    """
    from incidents.filing.checks.finding import WRONG

    found = _found(run, site)
    found.sort(key=lambda each: _LOUDEST.index(each.verdict))
    give_findings(run, found, site=site)
    return NOT_VERIFIED if any(each.verdict == WRONG for each in found) else DONE


@click.command()
@looking
def fields(run: Run) -> int:
    """The details that a filing has, in the order of the official form, with their choices."""
    from incidents.filing import form

    rows = [
        {
            "key": field.key,
            "en": field.en,
            "zh": field.zh,
            "choices": [choice.code for choice in field.choices],
        }
        for section in form.SECTIONS
        for field in section.fields
    ]
    if run.quiet:
        run.say_all([str(row["key"]) for row in rows])
    elif run.for_programs:
        output.documents(run, rows)
    else:
        told = ((str(r["key"]), str(r["en"]), str(r["zh"]), ", ".join(r["choices"])) for r in rows)
        output.table(run, ("KEY", "DETAIL", "名称", "ONE OF"), told)
        run.tell("servers and documents are server.LABEL and document.LABEL (filing server --help)")
    return DONE


@click.command()
@looking
def presets(run: Run) -> int:
    """The presets: what many sites file alike, of an access provider or a registrar."""
    found = known_presets(run)
    rows = [
        {"preset": name, "about": preset.about, "details": dict(preset.details)}
        for name, preset in sorted(found.items())
    ]
    if run.quiet:
        run.say_all(sorted(found))
    elif run.for_programs:
        output.documents(run, rows)
    else:
        told = [
            (name, preset.about, ", ".join(f"{k}={t}" for k, t in preset.details.items()))
            for name, preset in sorted(found.items())
        ]
        output.table(run, ("PRESET", "WHOSE", "DETAILS"), told)
    return DONE


def known_presets(run: Run) -> dict[str, Preset]:
    """The presets by their names: the server's, if one was named.

    Raises:
        PresetsFileError, PresetError: as `presets.known` does.
    """
    from incidents.filing import presets, settings

    if run.remote is None:
        return presets.known(settings.load().presets)
    return {
        each["preset"]: presets.Preset(about=each["about"], details=each["details"])
        for each in run.remote.filings.presets()
    }


def _found(run: Run, site: str) -> list[Finding]:
    """What the checks say; a server checks what it shows to nobody in full."""
    if run.remote is not None:
        return run.remote.filings.findings(site)
    from incidents.filing.checks import checks

    return checks.check(details_of(filed(run, site)), today=today(run))


def filed(run: Run, site: str) -> FilingOnRecord:
    """The filing of a site as it stands.

    Raises:
        UnknownSiteError: with the nearest names.
    """
    with run.house.looking() as looks:
        return looks.filing(site)


def details_of(filing: FilingOnRecord) -> dict[str, str]:
    """Its details, without those that have been erased."""
    return {key: text for key, text in filing["details"].items() if text is not None}


def today(run: Run) -> date:
    """The day in the zone of the settings."""
    from incidents import clock

    return clock.now().astimezone(run.settings.zone).date()


def give_findings(run: Run, findings: Iterable[Finding], *, site: str | None = None) -> None:
    """Write what checks have found."""
    rows = list(findings)
    if run.quiet:
        run.say_all([f"{each.verdict} {each.field} {each.code}" for each in rows])
    elif run.for_programs:
        documents = [finding_document(each) for each in rows]
        output.document(run, {"site": site, "findings": documents}, rows=documents)
    else:
        output.table(run, ("", "DETAIL", "FINDING", "SOURCE"), map(_row, rows))
        if not rows:
            run.tell("there is nothing to check yet (filing set puts details on record)")


def finding_document(finding: Finding) -> Document:
    """A finding for programs."""
    from incidents.filing.checks import checks as documents

    return documents.finding_document(finding)


def _row(finding: Finding) -> tuple[str, ...]:
    from incidents.filing.checks import finding as finding_words

    verdict = output.Painted.of(finding.verdict, fg=_COLOURS[finding.verdict])
    return verdict, finding.field, finding_words.finding_sentence(finding), finding.source


def _show(run: Run, document: Document) -> None:
    from incidents.filing.checks import finding as finding_words

    output.pairs(run, [(key, text) for key, _, text in _told(document)])
    for term in document["terms"]:
        run.say(_term(term))
    run.say(f"complete to {document['score']} of 100")
    for each in document["missing"]:
        why = finding_words.FINDING_WORDS.get(f"need.{each['why']}", each["why"])
        run.say(f"  missing: {each['field']} ({why})")
    if not document["details"]:
        run.tell(f"nothing is filed of {document['site']} yet (filing set {document['site']} …)")


def _term(term: Document) -> str:
    what = "to be filed" if term["term"] == "file" else "the number to be shown"
    return f"{what} by {term['due_on']}, that day included"


def _told(document: Document) -> Iterator[tuple[str, str, str]]:
    """Key, label, and text with the word for a choice, in the order of the form."""
    from incidents.filing import form

    for key in sorted(document["details"], key=form.place):
        text = document["details"][key]
        field = form.FIELD_OF.get(key)
        parts = form.PARTS.get(key.partition(".")[0] + ".")
        if text is None:
            yield key, key, "(erased)"
        elif parts is not None:
            yield key, key, _item(text, parts)
        elif field is None or not field.choices:
            yield key, key, text
        else:
            word = field.shown(text)[1]
            yield key, field.en, text if word == text else f"{text} ({word})"


def _item(text: str, fields: Iterable[Field]) -> str:
    """A server or a document in words; what cannot be read, as it is."""
    import json

    try:
        said = dict(json.loads(text))
    except (ValueError, TypeError, RecursionError):
        return text
    told = [
        f"{field.en} {field.shown(said[field.key])[1]}" for field in fields if field.key in said
    ]
    return ", ".join(told) or text


_TERMS = {"file": "to be filed", "show_number": "number to be shown"}


@click.command()
@click.option("--days", type=click.IntRange(0, 3_650), metavar="N", help="Only what ends by then.")
@click.option(
    "--ics",
    "ics",
    metavar="FILE",
    help="Write a calendar (iCalendar) to FILE; - is stdout.",
)
@looking
def terms(run: Run, days: int | None, ics: str | None) -> int:
    """What is to be filed, or shown at the foot of the pages, by when: 30 days each.

    Days are those of the zone of the settings; the last one counts to its end. Who is late is
    reminded of, and suspended for nothing.
    """
    now = today(run)
    until = None if days is None else (now + timedelta(days=days)).isoformat()
    with run.house.looking() as looks:
        found = looks.filing_terms(until)
    counted = [_counted(each, now) for each in found]
    if ics is not None:
        output.write_file(ics, (line.encode() for line in _calendar(counted)))
    elif run.quiet:
        run.say_all(list(dict.fromkeys(each["site"] for each in counted)))
    elif run.for_programs:
        output.documents(run, counted)
    else:
        output.table(run, ("SITE", "WHAT", "BY", "LEFT", "REMINDED"), map(_term_row, counted))
        if not counted:
            run.tell("no term runs")
    return DONE


def _counted(term: TermOfSite, now: date) -> SiteTerm:
    left = (date.fromisoformat(term["due_on"]) - now).days
    # A server has counted them already, in its own zone.
    counted: Any = {"days_left": left, **term}
    found: SiteTerm = counted
    return found


def _term_row(term: SiteTerm) -> tuple[str, ...]:
    left = term["days_left"]
    told = f"{left} d" if left >= 0 else output.Painted.of(f"{-left} d over", fg="red")
    return term["site"], _TERMS[term["term"]], term["due_on"], told, term["reminded_on"] or ""


def _calendar(found: list[SiteTerm]) -> list[str]:
    from incidents import clock
    from incidents.filing.calendar import Entry, calendar
    from incidents.values import site_name

    entries = [
        Entry(
            site=site_name.shown(each["site"]), term=each["term"],
            due_on=date.fromisoformat(each["due_on"]),
        )
        for each in found
    ]  # fmt: skip
    return list(calendar(entries, clock.now()))
