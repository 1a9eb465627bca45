"""The documents about policies, imports, trials and erasure."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from incidents.contract.documents import Facts
from incidents.contract.documents.actions import EventOfSite

_From = TypedDict("_From", {"from": str | None})


class Taking(_From):
    """The input of a simulation: the reports of a history, and the outcomes of the contacts.

    `kept`: how many of the reports became incidents. `drawn`: for how many of these incidents the
    outcome of the contact was drawn at random. `drawn_reached`: in how many of those draws the
    person is reached.
    """

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
    """The result of simulating a history under one policy."""

    policy: str
    digest: str
    sites: int
    incidents: int
    moot: int
    suspensions: int
    closed: dict[str, int]


class Simulated(TypedDict):
    """The results of simulating a history under each policy."""

    policies: list[Simulation]


class Counted(TypedDict):
    """The number of new items, and of items that already existed."""

    new: int
    known: int


class BadLine(TypedDict):
    """A line of a file that cannot be used, and the reason."""

    line: int
    message: str


class RefusedLine(TypedDict):
    """A line that the desk refused: the refusal's name and its facts."""

    line: int
    name: str
    facts: Facts


class ImportedSite(TypedDict):
    """The result of an import for one site; `new`: the import added the site."""

    site: str
    new: bool
    incidents_new: int
    incidents_known: int


class ImportCounts(TypedDict):
    """The result of an import, in numbers.

    `kept`: the number of reports that became findings. `refused`: the number of reports that the
    desk refused. `urls_left_out`: the number of addresses beyond the limit for one incident.
    """

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
    """The result of an import, site by site; `ids` are the IDs of the new incidents."""

    by_site: list[ImportedSite]
    ids: list[str]


class Staying(TypedDict):
    """The data that is too recent to be erased.

    `first_at` and `last_at`: when the first and the last of this data can be erased.
    """

    words: int
    files: int
    first_at: str | None
    last_at: str | None


class Erased(TypedDict):
    """The erased data about a site.

    The data was recorded before `before`. In a dry run, this is the data that would be erased.
    """

    site: str
    before: str
    words: int
    files: int
    staying: Staying
    dry_run: bool


class Retention(TypedDict):
    """The retention period, and the expired data that was erased.

    `keep_s`: how long text is kept, in seconds. `asked_for`: whether the settings enable erasure by
    age. The data was recorded before `before`, and is no longer needed. `keys`: the stored answers
    to commands with a key. `checkpoints`: the old checkpoints that did not have to stay. In a dry
    run, this is the data that would be erased.
    """

    keep_s: int
    asked_for: bool
    before: str
    words: int
    files: int
    sign_ins: int
    keys: int
    checkpoints: int
    dry_run: bool


class KeptFile(TypedDict):
    """A file of a reporter's reports that stays: its SHA-256 (hexadecimal), and `why`.

    `incident`: it is evidence of that incident, of a settled one until it is old enough, too.
    `waiting`: a report that waits for the desk has the same bytes. `young`: it is not old enough.
    """

    digest: str
    why: Literal["incident", "waiting", "young"]
    incident: str | None


class ErasedReporter(TypedDict):
    """The erasure of a reporter from what was recorded before `before`.

    `words`, `files`: the numbers of texts, and of reports' bytes, that were erased, or would be in
    a dry run. `waiting`: the reports that wait for the desk, of which nothing is erased. `next_at`:
    when the first of the remaining texts can be erased. `kept`: the files that stay, at most 100.
    """

    reporter: str
    before: str
    words: int
    files: int
    kept: list[KeptFile]
    waiting: int
    next_at: str | None
    dry_run: bool


class ErasedAccount(TypedDict):
    """The erasure of an account from the entries of the sign-in log before `before`.

    `sign_ins`: the number of rows in which the account was replaced, or would be in a dry run.
    `names`: the number of names that its owner wrote (of saved views and second factors) and that
    went with it.
    `next_at`: when the first of the remaining rows can be erased.
    """

    account: str
    before: str
    sign_ins: int
    names: int
    next_at: str | None
    dry_run: bool


class Change(TypedDict):
    """A number in which two policies differ."""

    key: str
    before: str
    after: str


class Activation(TypedDict):
    """The activation of a policy: when, by whom, and why."""

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
    """All activations of policies, earliest first."""

    items: list[Activation]


class Policy(TypedDict):
    """The active policy: its digest, its file, its numbers, and each rule in words."""

    policy: str
    toml: str
    numbers: dict[str, dict[str, str | int]]
    words: list[str]
    activation: Activation | None


class Checked(TypedDict):
    """A valid policy, and the numbers in which it differs from the active policy."""

    policy: str
    numbers: dict[str, dict[str, str | int]]
    words: list[str]
    changes: list[Change]


class Activated(TypedDict):
    """The policy that is now active, and the events that were due under the previous one.

    A dry run leaves out the time, the person, the reason and the number of the entry.
    """

    policy: str
    previous: str
    changes: list[Change]
    events: list[EventOfSite]
    activated_at: NotRequired[str]
    by: NotRequired[str]
    seq: NotRequired[int]
    reason: NotRequired[str | None]


class Mismatch(TypedDict):
    """A result that differs from the expected one; `step` is null for the final check."""

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
    """The state machines, as Mermaid diagrams."""

    site: str
    incident: str
