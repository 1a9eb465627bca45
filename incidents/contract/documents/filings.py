"""The documents about filings: what is filed, what the checks say, what is due by when."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from incidents.contract.documents import Facts

Filed = str | dict[str, str | None] | None
"""A text; a server or a document, by its parts; null: it has been erased."""


class FilingTerm(TypedDict):
    """A term that runs, by its last day, which counts to its end; days are the desk's own."""

    term: str
    begun_by: str
    ended_by: str
    due_on: str
    reminded_on: str | None
    remind_on: str


class MissingDetail(TypedDict):
    """A detail that is needed and not on record; `why` is a code, and `words` says it."""

    field: str
    why: str
    words: str


class FilingOnRecord(TypedDict):
    """What is filed of a site, as texts, and the terms that run; null: it has been erased."""

    site: str
    details: dict[str, str | None]
    terms: list[FilingTerm]


class TermOfSite(FilingTerm):
    """A term of a site."""

    site: str


class Filing(TypedDict):
    """What is filed of a site, the terms that run, and how complete it is, from 0 to 100."""

    site: str
    details: dict[str, Filed]
    terms: list[FilingTerm]
    score: int
    missing: list[MissingDetail]


class Missing(TypedDict):
    """A detail that is needed and not on record; `why` is a code."""

    field: str
    why: str


class FilingInFull(FilingOnRecord):
    """What is filed of a site, as texts, and how complete it is, from 0 to 100."""

    score: int
    missing: list[Missing]


FindingVerdict = Literal["ok", "suspect", "wrong", "unknown"]


class FilingFinding(TypedDict):
    """What a check says of one detail, and where its rule comes from; `false`: that it is false,
    which only somebody confirms (R4)."""

    verdict: FindingVerdict
    field: str
    code: str
    facts: dict[str, str]
    source: str
    false: bool
    sentence: str


class FilingFindings(TypedDict):
    """What the checks say of a filing, in the order of the form."""

    site: str
    findings: list[FilingFinding]


class TermsOfSites(TypedDict):
    """Some terms, by their last days; `next` is the cursor of those that follow."""

    items: list[TermOfSite]
    next: str | None


class SiteTerm(TermOfSite):
    """A term of a site; `days_left` is negative when it is over."""

    days_left: int


class TermPage(TypedDict):
    """Some terms, the most urgent first; `next` is the cursor of those that follow."""

    items: list[SiteTerm]
    next: str | None


class FilingChoice(TypedDict):
    """A word that a field may hold, by its code, and what people call it."""

    code: str
    zh: str
    en: str


class FilingField(TypedDict):
    """A field of the form, and the words that it may hold; none: any text."""

    key: str
    zh: str
    en: str
    choices: list[FilingChoice]


class FilingFields(TypedDict):
    """The details in the order of the form, and the parts of a server and of a document."""

    items: list[FilingField]
    server: list[FilingField]
    document: list[FilingField]


class FilingPreset(TypedDict):
    """What many sites file alike: the details that come with its name."""

    preset: str
    about: str
    details: dict[str, str]


class FilingPresets(TypedDict):
    """The presets that this desk knows."""

    items: list[FilingPreset]


class RowProblem(TypedDict):
    """What of a row cannot be used: its column, the detail that it would be, and why."""

    column: str
    field: str
    detail: str


class RefusedRow(TypedDict):
    """Why the desk refuses a row: the refusal's name, its facts and its sentence."""

    name: str
    facts: Facts
    sentence: str


TakenOutcome = Literal["added", "changed", "unchanged", "refused", "unreadable"]


class TakenRow(TypedDict):
    """What came of a row of a customer list, or would: the details that it changes, and, of a dry
    run, what the checks say of what would stand then."""

    row: int
    site: str | None
    outcome: TakenOutcome
    changed: list[str]
    problems: list[RowProblem]
    refusal: RefusedRow | None
    findings: list[FilingFinding]


class ListedProblem(RowProblem):
    """What of a row cannot be used, with the value that stands there."""

    value: str


class ListedRow(TypedDict):
    """What came of a row of a customer list that was read here; a refusal by its name."""

    row: int
    site: str | None
    outcome: TakenOutcome
    changed: list[str]
    problems: list[ListedProblem]
    refusal: str | None
    findings: list[FilingFinding]


class TakenList(TypedDict):
    """What a customer list comes to, row by row."""

    dry_run: bool
    rows: int
    outcomes: dict[str, int]
    items: list[TakenRow]
