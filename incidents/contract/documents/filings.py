"""The documents about filings: filed details, check results, and deadlines."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from incidents.contract.documents import Facts

Filed = str | dict[str, str | None] | None
"""A filed detail: a text, or the parts of a server or a document; null if it was erased."""


class FilingTerm(TypedDict):
    """A running filing deadline.

    `due_on`: the last day, which counts in full. Days are in the desk's time zone.
    """

    term: str
    begun_by: str
    ended_by: str
    due_on: str
    reminded_on: str | None
    remind_on: str


class MissingDetail(TypedDict):
    """A required detail that is not on record.

    `why`: the code of the reason; `words`: the same reason in words.
    """

    field: str
    why: str
    words: str


class FilingOnRecord(TypedDict):
    """The filed details of a site as text, and its running deadlines; erased details are null."""

    site: str
    details: dict[str, str | None]
    terms: list[FilingTerm]


class TermOfSite(FilingTerm):
    """A running filing deadline, with its site."""

    site: str


class Filing(TypedDict):
    """The filed details of a site, its running deadlines, and its completeness in percent."""

    site: str
    details: dict[str, Filed]
    terms: list[FilingTerm]
    score: int
    missing: list[MissingDetail]


class Missing(TypedDict):
    """A required detail that is not on record; `why` is the code of the reason."""

    field: str
    why: str


class FilingInFull(FilingOnRecord):
    """The filed details of a site as text, with its completeness in percent."""

    score: int
    missing: list[Missing]


FindingVerdict = Literal["ok", "suspect", "wrong", "unknown"]


class FilingFinding(TypedDict):
    """The result of a check of one detail, with the source of the rule.

    `false`: whether the detail may be false, which only a person can confirm (R4).
    """

    verdict: FindingVerdict
    field: str
    code: str
    facts: dict[str, str]
    source: str
    false: bool
    sentence: str


class FilingFindings(TypedDict):
    """The results of the checks of a filing, in the order of the form."""

    site: str
    findings: list[FilingFinding]


class TermsOfSites(TypedDict):
    """A page of filing deadlines, by last day; `next` is the cursor of the following page."""

    items: list[TermOfSite]
    next: str | None


class SiteTerm(TermOfSite):
    """A filing deadline of a site; `days_left` is negative once the deadline has passed."""

    days_left: int


class TermPage(TypedDict):
    """A page of deadlines, most urgent first; `next` is the cursor of the following page."""

    items: list[SiteTerm]
    next: str | None


class FilingChoice(TypedDict):
    """A value that a field may have: its code and its labels."""

    code: str
    zh: str
    en: str


class FilingField(TypedDict):
    """A field of the form, and its possible values; a field without `choices` takes any text."""

    key: str
    zh: str
    en: str
    choices: list[FilingChoice]


class FilingFields(TypedDict):
    """The fields of the form, in its order, and the parts of a server and of a document."""

    items: list[FilingField]
    server: list[FilingField]
    document: list[FilingField]


class FilingPreset(TypedDict):
    """Details that many sites share, under the name of the preset."""

    preset: str
    about: str
    details: dict[str, str]


class FilingPresets(TypedDict):
    """The presets of this desk."""

    items: list[FilingPreset]


class RowProblem(TypedDict):
    """A problem in a row: the column, the detail of the filing, and the reason."""

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
    """The result of importing one row of a customer list: the details that changed.

    In a dry run, `findings` are the results of the checks after the change.
    """

    row: int
    site: str | None
    outcome: TakenOutcome
    changed: list[str]
    problems: list[RowProblem]
    refusal: RefusedRow | None
    findings: list[FilingFinding]


class ListedProblem(RowProblem):
    """A problem in a row, with the value of the cell."""

    value: str


class ListedRow(TypedDict):
    """The result of importing a row that this machine read; `refusal` is only a name."""

    row: int
    site: str | None
    outcome: TakenOutcome
    changed: list[str]
    problems: list[ListedProblem]
    refusal: str | None
    findings: list[FilingFinding]


class TakenList(TypedDict):
    """The result of importing a customer list, row by row."""

    dry_run: bool
    rows: int
    outcomes: dict[str, int]
    items: list[TakenRow]
