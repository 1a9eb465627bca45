"""The view of a filing: score, missing details, findings, terms and waiting tasks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from incidents.console import messages
from incidents.console.languages import Chosen
from incidents.console.languages import found as found_in
from incidents.console.rendering import Reader
from incidents.contract.documents.filings import FilingTerm
from incidents.contract.documents.sites import Task
from incidents.errors import SettingError, SettingsFileError, UnknownSettingError
from incidents.filing import checks, presets, settings
from incidents.filing import finding as finding_words
from incidents.filing.finding import OK, VERDICTS, Finding, source_text
from incidents.filing.footer import check as footer_check
from incidents.filing.form import DOCUMENT_FIELDS, FIELD_OF, Choice, Field, Section
from incidents.filing.ip_addresses import changed_address_checklist
from incidents.filing.items import servers
from incidents.filing.presets import PresetError, PresetsFileError
from incidents.filing.record_number import read_icp, read_public_security
from incidents.filing.settings import FilingSettings
from incidents.machine.filing import FOOTER, SUSPICION, Details

_LOUDEST = ("wrong", "suspect", "unknown", OK)
assert set(_LOUDEST) == set(VERDICTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingLine:
    """A finding of a check, in the reader's language."""

    verdict: str
    word: str
    detail: str
    sentence: str
    source: str
    false: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingSummary:
    """The summary of a filing; `trouble` lists faulty settings of the server.

    `missing`: pairs of a missing detail and the reason why the detail is needed. `steps`: what to
    do if the server's address changes.
    """

    score: int
    missing: list[tuple[str, str]]
    found: list[FindingLine]
    right: list[FindingLine]
    trouble: list[str]
    steps: list[str]
    snippet: str
    presets: list[tuple[str, str]]


class TermLeft(FilingTerm):
    """A term, and the number of days left."""

    days: int


def summary(reader: Reader, details: Details) -> FilingSummary:
    """Summarise the details, as of today in the reader's time zone."""
    language = reader.language
    complete = checks.completeness(details)
    own, wrong = settings_of(reader)
    known, unusable = _presets(reader, own)
    told, unchecked = _findings(reader, details)
    return FilingSummary(
        score=complete.score,
        missing=[
            (detail_label(language, each.field), word(language, "need", each.why))
            for each in complete.missing
        ],
        found=[each for each in told if each.verdict != OK],
        right=[each for each in told if each.verdict == OK],
        trouble=[each for each in (unchecked, wrong, unusable) if each],
        steps=[word(language, "step", code) for code in _steps(details)],
        snippet=footer_check.snippet(
            read_public_security(details.get("public_security_number", "")),
            read_icp(details.get("icp_number", "")),
            icp_form=own.icp_form,
        ),
        presets=known,
    )


def terms(reader: Reader, found: Iterable[FilingTerm]) -> list[TermLeft]:
    """Add the days left to each term."""
    return [{**each, "days": days_left(reader, each["due_on"])} for each in found]


def days_left(reader: Reader, due_on: str) -> int:
    """Count the days left of a term: 0 on the term's last day, negative afterwards."""
    return (date.fromisoformat(due_on) - day_of(reader)).days


def day_of(reader: Reader) -> date:
    """Today's date in the reader's time zone."""
    return reader.now.astimezone(reader.zone).date()


def waits(reader: Reader, tasks: Iterable[Task]) -> list[dict[str, object]]:
    """List the suspicions not yet investigated, and the defects of page footers."""
    language = reader.language
    found: list[dict[str, object]] = []
    for task in tasks:
        about = task["filing"]
        if task["kind"] == SUSPICION:
            field, code = about
            name = detail_label(language, field)
            told = reader.spoken.finding(code)
            found.append({**task, "field": field, "name": name, "told": told})
        elif task["kind"] == FOOTER:
            told = reader.spoken.comma.join(map(reader.spoken.finding, about))
            found.append({**task, "field": None, "name": None, "told": told})
    return found


def settings_of(reader: Reader) -> tuple[FilingSettings, str]:
    """Load the settings for filings (the defaults, if faulty), and describe the fault."""
    try:
        return settings.load(), ""
    except (SettingError, UnknownSettingError, SettingsFileError) as error:
        why = messages.error_text(reader, error)
        return FilingSettings(), reader.say("filing.settings", why=why)


def _presets(reader: Reader, own: FilingSettings) -> tuple[list[tuple[str, str]], str]:
    """List the presets by name and label, and describe the fault of the presets file, if any."""
    wrong = ""
    try:
        known = presets.known(own.presets)
    except (PresetError, PresetsFileError) as error:
        known = presets.known()
        wrong = reader.say("filing.settings", why=messages.error_text(reader, error))
    found = []
    for name, preset in sorted(known.items()):
        called = reader.word("preset", name)
        found.append((name, preset.about if called == name else called))
    return found, wrong


def _findings(reader: Reader, details: Details) -> tuple[list[FindingLine], str]:
    try:
        found = checks.check(details, today=day_of(reader))
    except checks.NoFilingLibraryError as error:
        return [], reader.say(
            "filing.no_library", name=error.facts["detail"], way_out=error.way_out
        )
    found.sort(key=lambda each: _LOUDEST.index(each.verdict))
    return [_finding_line(reader, each) for each in found], ""


def _finding_line(reader: Reader, finding: Finding) -> FindingLine:
    language = reader.language
    return FindingLine(
        verdict=finding.verdict,
        word=reader.word("verdict_of", finding.verdict),
        detail=detail_label(language, finding.field),
        sentence=finding_sentence(language, finding),
        source=source_text(finding.source, found_in(language)),
        false=finding.false,
    )


def _steps(details: Details) -> tuple[str, ...]:
    """List what a commercial site must do, by the location of its first server."""
    if details.get("nature") != "commercial":
        return ()
    first = next(iter(servers(details)), None)
    if first is None:
        return ()
    return changed_address_checklist(first.province, first.city)


_CHOICES = {"choices": FIELD_OF, "kinds": {"document": DOCUMENT_FIELDS[0]}}


def finding_sentence(language: Chosen, finding: Finding) -> str:
    """Describe a finding in a sentence."""
    named = {} if finding.field in FIELD_OF else {"field": detail_label(language, finding.field)}
    return finding_words.finding_sentence(
        finding, found_in(language), **named, **_choices(language, finding)
    )


def label_of(language: Chosen, of: Field | Section | Choice) -> str:
    """The label that the official form uses."""
    return of.en if language == "en" else of.zh


def detail_label(language: Chosen, key: str) -> str:
    """The label of a detail; a server or a document also has its own short name."""
    field = FIELD_OF.get(key)
    if field is not None:
        return label_of(language, field)
    kind, _, own = key.partition(".")
    called = word(language, "item", kind)
    if not own:
        return called
    return f"{called} “{own}”" if language == "en" else f"{called}“{own}”"


def _choices(language: Chosen, finding: Finding) -> dict[str, str]:
    """The names of the valid codes in Chinese; in English, the codes are shown themselves."""
    found: dict[str, str] = {}
    if language == "en":
        return found
    for name, fields in _CHOICES.items():
        field = fields.get(finding.field.partition(".")[0])
        if name in finding.facts and field is not None:
            codes = finding.facts[name].split(", ")
            found[name] = found_in(language).comma.join(field.shown(code)[0] for code in codes)
    return found


def word(language: Chosen, group: str, code: str) -> str:
    """The word for a code of a filing, such as the need for a detail, a step, or a kind of item."""
    called = found_in(language).word(group, code)
    return called if called != code else _ITEMS[language].get(code, code)


_ITEMS: dict[Chosen, dict[str, str]] = {
    "en": {"server": "Server", "document": "Document"},
    "zh": {"server": "服务器", "document": "文件"},
}
