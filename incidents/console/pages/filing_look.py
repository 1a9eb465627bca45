"""The look at a filing: its score, what is missing, findings, terms and what waits, in the reader's
words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from incidents.console import messages
from incidents.console.words import findings
from incidents.console.writing import Reader
from incidents.errors import SettingError, SettingsFileError, UnknownSettingError
from incidents.filing import presets, settings
from incidents.filing.checks import checks
from incidents.filing.checks.address_rules import changed_address_checklist
from incidents.filing.checks.checks import NoFilingLibraryError
from incidents.filing.checks.completeness import completeness
from incidents.filing.checks.finding import OK, VERDICTS, Finding
from incidents.filing.checks.item import servers
from incidents.filing.checks.record_number import read_icp, read_public_security
from incidents.filing.footer import snippet as html
from incidents.filing.presets import PresetError, PresetsFileError
from incidents.filing.settings import FilingSettings
from incidents.machine.filing import FOOTER, SUSPICION, Details

if TYPE_CHECKING:
    from incidents.contract.documents.sites import Task


Document = dict[str, Any]

_LOUDEST = ("wrong", "suspect", "unknown", OK)
assert set(_LOUDEST) == set(VERDICTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A finding in the reader's words."""

    verdict: str
    word: str
    detail: str
    sentence: str
    source: str
    false: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is said of a filing: `trouble` is what of the server stands in the way of saying it.

    `missing` are pairs of a detail and why it is needed, `steps` is what to do when an address of
    the site changes.
    """

    score: int
    missing: list[tuple[str, str]]
    found: list[Told]
    right: list[Told]
    trouble: list[str]
    steps: list[str]
    snippet: str
    presets: list[tuple[str, str]]


def look(reader: Reader, details: Details) -> Look:
    """What is said of those details, today in the reader's zone."""
    language = reader.language
    complete = completeness(details)
    own, wrong = settings_of(reader)
    known, unusable = _presets(reader, own)
    told, unchecked = _findings(reader, details)
    return Look(
        score=complete.score,
        missing=[
            (findings.detail(language, each.field), findings.need(language, each.why))
            for each in complete.missing
        ],
        found=[each for each in told if each.verdict != OK],
        right=[each for each in told if each.verdict == OK],
        trouble=[each for each in (unchecked, wrong, unusable) if each],
        steps=[findings.step(language, code) for code in _steps(details)],
        snippet=html.snippet(
            read_public_security(details.get("public_security_number", "")),
            read_icp(details.get("icp_number", "")),
            icp_form=own.icp_form,
        ),
        presets=known,
    )


def score(details: Details) -> int:
    """How much of what the filing needs is on record, of 100."""
    return completeness(details).score


def terms(reader: Reader, found: Iterable[Mapping[str, Any]]) -> list[Document]:
    """The terms with how many days are left: 0 on the last one, fewer when it is over."""
    today = day_of(reader)
    return [
        {**each, "days": (date.fromisoformat(each["due_on"]) - today).days} for each in found
    ]  # fmt: skip


def day_of(reader: Reader) -> date:
    """The day that it is in the reader's zone."""
    return reader.now.astimezone(reader.zone).date()


def waits(reader: Reader, tasks: Iterable[Task]) -> list[Document]:
    """The suspicions that nobody has looked into, and what the foot of the page lacks."""
    language, found = reader.language, []
    for task in tasks:
        about = task["filing"]
        if task["kind"] == SUSPICION:
            field, code = about
            name = findings.detail(language, field)
            told = reader.spoken.finding(code)
            found.append({**task, "field": field, "name": name, "told": told})
        elif task["kind"] == FOOTER:
            told = reader.spoken.comma.join(map(reader.spoken.finding, about))
            found.append({**task, "field": None, "name": None, "told": told})
    return found


def settings_of(reader: Reader) -> tuple[FilingSettings, str]:
    """The settings of the filings, and what is wrong with them; then those that come along."""
    try:
        return settings.load(), ""
    except (SettingError, UnknownSettingError, SettingsFileError) as error:
        why = messages.refused_in_words(reader, error)
        return FilingSettings(), reader.say("filing.settings", why=why)


def _presets(reader: Reader, own: FilingSettings) -> tuple[list[tuple[str, str]], str]:
    """Each with whose it is; and what is wrong with a file of presets."""
    wrong = ""
    try:
        known = presets.known(own.presets)
    except (PresetError, PresetsFileError) as error:
        known = presets.known()
        wrong = reader.say("filing.settings", why=messages.refused_in_words(reader, error))
    found = []
    for name, preset in sorted(known.items()):
        called = reader.word("preset", name)
        found.append((name, preset.about if called == name else called))
    return found, wrong


def _findings(reader: Reader, details: Details) -> tuple[list[Told], str]:
    try:
        found = checks.check(details, today=day_of(reader))
    except NoFilingLibraryError as error:
        return [], reader.say("filing.no_library", name=error.facts["detail"])
    found.sort(key=lambda each: _LOUDEST.index(each.verdict))
    return [_told(reader, each) for each in found], ""


def _told(reader: Reader, finding: Finding) -> Told:
    language = reader.language
    return Told(
        verdict=finding.verdict,
        word=reader.word("verdict_of", finding.verdict),
        detail=findings.detail(language, finding.field),
        sentence=findings.sentence(language, finding),
        source=findings.source(language, finding.source),
        false=finding.false,
    )


def _steps(details: Details) -> tuple[str, ...]:
    """Of a commercial site, by where its first server stands."""
    if details.get("nature") != "commercial":
        return ()
    first = next(iter(servers(details)), None)
    if first is None:
        return ()
    return changed_address_checklist(first.province, first.city)
