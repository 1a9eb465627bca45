"""Queries of filings: details, gaps, findings of the checks, and running deadlines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, cast

import click

from incidents import clock
from incidents.cli import options, output, params, text_table
from incidents.cli.lazy_group import verb
from incidents.errors import DONE, NOT_VERIFIED
from incidents.filing import checks, form
from incidents.filing.finding import WRONG, Finding, finding_sentence, source_text
from incidents.locale.language import Language, language
from incidents.machine.filing import DOCUMENT
from incidents.values import site_name

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.contract.documents.filings import (
        FilingInFull,
        FilingOnRecord,
        SiteTerm,
        TermOfSite,
    )
    from incidents.filing.form import Field
    from incidents.filing.presets import Preset

_COLOURS = {"ok": "green", "suspect": "yellow", "wrong": "red", "unknown": "cyan"}
_LOUDEST = ("wrong", "suspect", "unknown", "ok")


@verb()
@params.name_argument
@options.view
def show(run: Run, site: str) -> None:
    """Show the filing of NAME in the order of the official form, with gaps and deadlines."""
    found = read_filing(run, site)
    complete = checks.completeness(details_of(found))
    document: FilingInFull = {
        **found, "score": complete.score,
        "missing": [{"field": each.field, "why": each.why} for each in complete.missing],
    }  # fmt: skip
    details = found["details"].items()
    rows = [{"site": found["site"], "key": key, "text": text} for key, text in details]
    if not output.answer_program(run, document, found["site"], rows=rows):
        _show(run, document)


@verb()
@params.name_argument
@options.view
def check(run: Run, site: str) -> int:
    """Check the filing of NAME; print each finding with its reason and source.

    Exits 5 if something is wrong. An undecided check is a warning. A person reviews each
    suspicion of a false detail: a check never closes a site (R4).
    """
    found = _found(run, site)
    found.sort(key=lambda each: _LOUDEST.index(each.verdict))
    documents = [checks.finding_document(each) for each in found]
    ids = (f"{each.verdict} {each.field} {each.code}" for each in found)
    if not output.answer_program(run, {"site": site, "findings": documents}, *ids, rows=documents):
        text_table.write_table(
            run, ("", "DETAIL", "FINDING", "SOURCE"), (_row(run, each) for each in found)
        )
        if not found:
            run.inform(run.text("filing_looks.nothing_to_check"))
    return NOT_VERIFIED if any(each.verdict == WRONG for each in found) else DONE


@verb()
@options.query
def fields(run: Run) -> None:
    """List the details of a filing, in the order of the official form, with their choices."""
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
    named = ("zh",) if is_chinese(run) else ("en", "zh")
    heads = ("名称",) if is_chinese(run) else ("DETAIL", "名称")
    output.write_list(
        run, rows, ids=(str(row["key"]) for row in rows), headers=("KEY", *heads, "ONE OF"),
        rows=(
            (str(row["key"]), *(str(row[name]) for name in named), ", ".join(row["choices"]))
            for row in rows
        ),
    )  # fmt: skip
    if not run.quiet:
        run.inform(run.text("filing_looks.items"))


@verb()
@options.query
def presets(run: Run) -> None:
    """List presets: details that many sites share, of an access provider or a registrar."""
    found = sorted(known_presets(run).items())
    output.write_list(
        run,
        [{"preset": n, "about": each.about, "details": dict(each.details)} for n, each in found],
        ids=(name for name, _ in found),
        headers=("PRESET", "WHOSE", "DETAILS"),
        rows=(
            (name, run.language.phrases.get(f"preset.{name}", each.about),
             ", ".join(f"{k}={t}" for k, t in each.details.items()))
            for name, each in found
        ),
    )  # fmt: skip


def known_presets(run: Run) -> dict[str, Preset]:
    """The presets by name: the presets of the server if one is named, or of the settings.

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
    """The findings of the checks.

    A server runs the checks itself, because they need details that it shows to nobody in full.
    """
    if run.remote is not None:
        return run.remote.filings.findings(site)
    return checks.check(details_of(read_filing(run, site)), today=today(run))


def read_filing(run: Run, site: str) -> FilingOnRecord:
    """Return the filing of a site.

    Raises:
        UnknownSiteError: with the nearest names.
    """
    with run.queries() as queries:
        return queries.filing(site)


def details_of(filing: FilingOnRecord) -> dict[str, str]:
    """The details of a filing, without erased details."""
    return {key: text for key, text in filing["details"].items() if text is not None}


def today(run: Run) -> date:
    """Today's date in the time zone of the settings."""
    return clock.now().astimezone(run.settings.zone).date()


def is_chinese(run: Run) -> bool:
    """Whether the command answers in Chinese."""
    return not run.for_programs and run.settings.language == "zh_CN"


def finding_catalogue(run: Run) -> Language:
    """The catalogue of findings, in the language of the answer."""
    return language("zh_CN" if is_chinese(run) else "en", "filing")


def field_label(run: Run, key: str) -> str:
    """The label of a detail: its label on the official form in Chinese, otherwise its key."""
    if not is_chinese(run):
        return key
    field = form.FIELD_OF.get(key)
    kind, _, own = key.partition(".")
    return f"{run.language.word('item', kind)} {own}".strip() if field is None else field.zh


def sentence(run: Run, finding: Finding) -> str:
    """The sentence about a finding, in the language of the answer."""
    facts: dict[str, str] = {}
    of = form.DOCUMENT_FIELDS[0] if finding.field.startswith(DOCUMENT) else None
    field = form.FIELD_OF.get(finding.field, of)
    if is_chinese(run) and field is not None:
        for name in {"choices", "kinds"} & finding.facts.keys():
            codes = finding.facts[name].split(", ")
            facts[name] = run.language.comma.join(field.shown(code)[0] for code in codes)
    return finding_sentence(finding, finding_catalogue(run), **facts)


def verdict_of(run: Run, finding: Finding) -> str:
    """The word for the verdict of a finding, in the language of the answer."""
    return run.language.word("verdict_of", finding.verdict)


def _row(run: Run, finding: Finding) -> tuple[str, ...]:
    verdict = text_table.ColouredField.of(verdict_of(run, finding), fg=_COLOURS[finding.verdict])
    source = source_text(finding.source, finding_catalogue(run))
    return verdict, field_label(run, finding.field), sentence(run, finding), source


def _show(run: Run, document: FilingInFull) -> None:
    output.write_pairs(run, _detail_rows(run, document))
    for term in document["terms"]:
        run.write(run.text(f"filing_looks.{term['term']}", day=term["due_on"]))
    run.write(run.text("filing_looks.score", score=document["score"]))
    for each in document["missing"]:
        why = finding_catalogue(run).word("need", each["why"])
        run.write(run.text("filing_looks.missing", field=field_label(run, each["field"]), why=why))
    if not document["details"]:
        run.inform(run.text("filing_looks.nothing_filed", site=document["site"]))


def _detail_rows(run: Run, document: FilingInFull) -> Iterator[tuple[str, str]]:
    """Yield the label and the text of each detail, in the order of the form.

    A choice is shown with its word.
    """
    for key in sorted(document["details"], key=form.sort_key):
        text = document["details"][key]
        field = form.FIELD_OF.get(key)
        parts = form.PARTS.get(key.partition(".")[0] + ".")
        label = field_label(run, key)
        if text is None:
            yield label, run.text("site.erased")
        elif parts is not None:
            yield label, _item(run, text, parts)
        elif field is None or not field.choices:
            yield label, text
        else:
            word = _shown(run, field, text)
            words = run.text("filing_looks.choice", code=text, word=word)
            yield label, text if word == text else words


def _shown(run: Run, field: Field, text: str) -> str:
    chinese, english = field.shown(text)
    return chinese if is_chinese(run) else english


def _item(run: Run, text: str, fields: Iterable[Field]) -> str:
    """The text of a server or a document for people; unreadable text stays unchanged."""
    try:
        said = dict(json.loads(text))
    except (ValueError, TypeError, RecursionError):
        return text
    lines = [
        f"{field.zh if is_chinese(run) else field.en} {_shown(run, field, said[field.key])}"
        for field in fields
        if field.key in said
    ]
    return run.language.comma.join(lines) or text


@verb()
@click.option(
    "--days",
    type=params.IntRange(0, 3_650),
    metavar="N",
    help="List only deadlines within this many days.",
)
@click.option(
    "--ics",
    "ics",
    metavar="FILE",
    help="Write an iCalendar file; - is standard output.",
)
@options.view
def terms(run: Run, days: int | None, ics: str | None) -> None:
    """List filings to submit and numbers to show in page footers, with deadlines: 30 days each.

    Days are in the time zone of the settings; the last day counts to its end. The desk is reminded
    of missed deadlines, but a missed deadline suspends no site.
    """
    now = today(run)
    until = None if days is None else (now + timedelta(days=days)).isoformat()
    with run.queries() as queries:
        found = queries.filing_terms(until)
    counted = [_counted(each, now) for each in found]
    if ics is not None:
        output.write_file(ics, (line.encode() for line in _calendar(counted)))
    else:
        output.write_list(
            run, counted, ids=dict.fromkeys(each["site"] for each in counted),
            headers=("SITE", "WHAT", run.text("filing_looks.by"), "LEFT", "REMINDED"),
            rows=(_term_row(run, each) for each in counted),
            nothing=run.text("filing_looks.no_term"),
        )  # fmt: skip


def _counted(term: TermOfSite, now: date) -> SiteTerm:
    left = (date.fromisoformat(term["due_on"]) - now).days
    # A server has counted them already, in its own zone.
    return cast("SiteTerm", {"days_left": left, **term})


def _term_row(run: Run, term: SiteTerm) -> tuple[str, ...]:
    left = term["days_left"]
    words = run.text("filing_looks.left" if left >= 0 else "filing_looks.over", n=abs(left))
    words = words if left >= 0 else text_table.ColouredField.of(words, fg="red")
    what = run.text(f"term.{term['term']}")
    return site_name.shown(term["site"]), what, term["due_on"], words, term["reminded_on"] or ""


def _calendar(found: list[SiteTerm]) -> list[str]:
    from incidents.filing.calendar import Entry, calendar

    return list(calendar(map(Entry.of, found), clock.now()))
