"""The documents about policies, with what is imported, tried under one, and erased."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from incidents.contract.documents import Facts
from incidents.contract.documents.actions import EventOfSite

_From = TypedDict("_From", {"from": str | None})


class Taking(_From):
    """How a history was taken: `kept` of its reports are incidents, for `drawn` of these the call
    was drawn, and `drawn_reached` reach the person."""

    reports: int
    bad: int
    kept: int
    drawn: int
    drawn_reached: int
    reach: float
    seed: int
    group_within: str | None
    to: str | None


class Simulation(Taking):
    """What a history comes to under one policy."""

    policy: str
    digest: str
    sites: int
    incidents: int
    moot: int
    suspensions: int
    closed: dict[str, int]


class Simulated(TypedDict):
    """The results of a history, policy by policy."""

    policies: list[Simulation]


class Counted(TypedDict):
    """How many are new, and how many existed already."""

    new: int
    known: int


class BadLine(TypedDict):
    """A line that cannot be used, and why."""

    line: int
    message: str


class RefusedLine(TypedDict):
    """A line that the desk has refused, by the refusal's name, with its facts."""

    line: int
    name: str
    facts: Facts


class ImportedSite(TypedDict):
    """The result of an import for one site; `new`: it was added."""

    site: str
    new: bool
    incidents_new: int
    incidents_known: int


class ImportCounts(TypedDict):
    """What an import comes to: `kept` of its reports are findings, `refused` were refused, and
    `urls_left_out` addresses are beyond what one incident can have."""

    dry_run: bool
    reports: int
    kept: int
    sites: Counted
    incidents: Counted
    refused: int
    refusals: list[RefusedLine]
    urls_left_out: int
    bad: list[BadLine]


class Imported(ImportCounts):
    """What an import comes to, site by site; `ids` are of the incidents that are new."""

    by_site: list[ImportedSite]
    ids: list[str]


class Staying(TypedDict):
    """What is too young to be erased, and from when its first may go, and its last."""

    words: int
    files: int
    first_at: str | None
    last_at: str | None


class Erased(TypedDict):
    """What is gone about a site, or would be: what was recorded before that time."""

    site: str
    before: str
    words: int
    files: int
    staying: Staying
    dry_run: bool


class Retention(TypedDict):
    """How long words are kept, in seconds, whether they are to go then, and what is gone or would
    be: what was recorded before that time, and is not needed."""

    keep_s: int
    asked_for: bool
    before: str
    words: int
    files: int
    sign_ins: int
    dry_run: bool


class ErasedAccount(TypedDict):
    """The number of rows of the sign-in log from before that time in which an account was, or would
    be, replaced. From `next_at` on, the first of the others may be erased."""

    account: str
    before: str
    sign_ins: int
    next_at: str | None
    dry_run: bool


class Change(TypedDict):
    """A number of the policy that differs."""

    key: str
    before: str
    after: str


class Activation(TypedDict):
    """When a policy was made the active one, by whom and why."""

    policy: str
    previous: str
    activated_at: str
    by: str
    login: str | None
    seconded_by: str | None
    reason: str | None
    toml: str
    changes: list[Change]


class Activations(TypedDict):
    """All policies that were ever active, the earliest first."""

    items: list[Activation]


class Policy(TypedDict):
    """The active policy: its digest, its file, its numbers, and each rule in words."""

    policy: str
    toml: str
    numbers: dict[str, dict[str, str | int]]
    words: list[str]
    activation: Activation | None


class Checked(TypedDict):
    """A policy that could be activated, and what it would change."""

    policy: str
    numbers: dict[str, dict[str, str | int]]
    words: list[str]
    changes: list[Change]


class Activated(TypedDict):
    """A new active policy, and what had fallen due under the one before; since when, by whom and
    why, with the entry's number; of a dry run there is none of these."""

    policy: str
    previous: str
    changes: list[Change]
    events: list[EventOfSite]
    activated_at: NotRequired[str]
    by: NotRequired[str]
    seq: NotRequired[int]
    reason: NotRequired[str | None]


class Mismatch(TypedDict):
    """A result that differs from the expected one; `step` is null for the last look."""

    step: int | None
    at: str
    what: str
    expected: str
    got: str


class Trial(TypedDict):
    """The result of a scenario."""

    name: str
    passed: bool
    policy: str
    mismatches: list[Mismatch]


class Trials(TypedDict):
    """The results of all scenarios."""

    policy: str
    passed: bool
    items: list[Trial]


class Graphs(TypedDict):
    """The state machines, in Mermaid."""

    site: str
    incident: str
