"""The documents about the enforcement of deadlines: daemons, alarms and notices."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from incidents.contract.documents import Open


class Alarm(Open):
    """A current alarm; the fields that this kind of alarm does not use are null, zero or empty."""

    key: str
    kind: str
    subject: str
    site: str | None
    since: str | None
    due: str | None
    incident: str | None
    order: str | None
    order_kind: str | None
    problem: str | None
    attempts: int | None
    rule: str | None
    daemon: str | None
    halted_why: str | None
    overdue: int
    miss_closes: bool
    late: bool
    terms: int
    orders: int
    reports: int
    sites: int
    closed: int
    unknown: int
    new: int
    named: list[str]
    states: list[str]
    suspended_now: list[str]
    raised_at: str | None
    attempts_to_tell: int
    told_at: str | None


class Alarms(TypedDict):
    """The current alarms; there may be more alarms of the `capped` kinds.

    `unset`: the setting that names no channel, so no alarms are sent.
    """

    items: list[Alarm]
    capped: list[str]
    unset: NotRequired[str]


class TriedChannel(TypedDict):
    """Whether a channel accepted the test.

    `quiet_until`: the end of the channel's quiet hours; until then, alarms wait.
    """

    channel: str
    took: bool
    problem: str | None
    detail: str | None
    quiet_until: str | None


class Tried(TypedDict):
    """The result of a test for each channel of the desk."""

    items: list[TriedChannel]


class Daemon(TypedDict):
    """A daemon with a recent heartbeat.

    `standing_aside`: why the daemon has paused; null if it has not. `mark_unread`: why the daemon
    cannot read its mark, and so carries out no orders; null if it can. `mailbox_unread`: why it
    receives no reports from the mailbox; null if it does, or if there is none.
    """

    daemon: str
    host: str
    pid: int
    started_at: str
    last_beat: str
    beating: bool
    standing_aside: str | None
    mark_unread: str | None
    mailbox_unread: NotRequired[str | None]


class MarkUnread(TypedDict):
    """A daemon that carries out no orders because it cannot read its mark.

    `problem`: the reason. `since`: when the problem was detected. `count`: the number of such
    daemons. `others`: whether any other daemon has a recent heartbeat.
    """

    daemon: str
    since: str
    problem: str
    count: int
    others: bool


class OverdueSite(TypedDict):
    """A site whose deadline has passed but has not been enforced yet."""

    site: str
    due: str


class LeftDown(TypedDict):
    """Sites that are or may be down, although nothing on record keeps them down.

    `count`: the number of these sites; `closed` of them are actually closed, and the state of
    `unknown` of them is unknown. `new`: how many of the unknown ones were added since the loss.
    `sites`: the first names; `states`: the actual states of those sites. `suspended_now`: the names
    of sites that are also suspended on record, and that stay down after the suspension. `since`:
    when the record of why the sites are down may have been lost. `complete`: whether all sites were
    compared.
    """

    count: int
    closed: int
    unknown: int
    new: int
    sites: list[str]
    states: list[Literal["suspended", "closed", "unknown"]]
    suspended_now: list[str]
    since: str
    complete: bool


class TakenDown(TypedDict):
    """The sites that daemons have taken down again: their number, and the first names."""

    count: int
    sites: list[str]


class NotCompared(TypedDict):
    """A site whose actual state could not be checked, and the reason."""

    site: str
    problem: str


class Uncompared(TypedDict):
    """Sites whose actual state has not been checked since the record lost its latest entries.

    `count`: the number of these sites. `since`: the time of the first failure. `sites`: the first
    of these sites, each with the reason.
    """

    count: int
    since: str
    sites: list[NotCompared]


HaltedWhy = Literal["unknown_server", "lost_again"]


class History(TypedDict):
    """Whether the record is complete and signed, as far as is known.

    A field that does not apply is null. `lost_since`: since when entries are known to be missing;
    null once a person acknowledges the loss on record. `moved_since`: when another server took
    over. `unproved_since`: since when the live system is being compared with the record.
    `halted_since` and `halted_why`: since when and why no orders are carried out, until a person
    resumes. `unsigned_since`: since when new entries are not signed. `left_down`: sites left down,
    until a person resumes or holds them. `taken_down`: sites taken down again, until a person
    acknowledges the loss on record. `uncompared`: sites that could not be compared.
    """

    epoch: int
    lost_since: str | None
    moved_since: str | None
    unproved_since: str | None
    halted_since: str | None
    halted_why: HaltedWhy | None
    unsigned_since: str | None
    left_down: LeftDown | None
    taken_down: TakenDown | None
    uncompared: Uncompared | None


class Enforcement(TypedDict):
    """Whether deadlines are enforced, by which daemons, and which sites are overdue."""

    beating: bool
    enforced_by: Literal["daemon", "once"] | None
    last_once: str | None
    last_beat: str | None
    daemon: str | None
    standing_aside: str | None
    overdue: int
    overdue_capped: bool
    overdue_since: str | None
    overdue_sites: list[OverdueSite]
    daemons: list[Daemon]
    mark_unread: MarkUnread | None
    rehearsal: bool
    history: History


class SettingsCheck(TypedDict):
    """A successful check of a daemon's settings.

    `idle_lanes`: the lanes of orders for which nothing is set up. A mistake in the settings is an
    error instead.
    """

    valid: bool
    idle_lanes: list[str]


class Notice(TypedDict):
    """A notice: its recipient, and when it is sent.

    `unset`: the setting that names no channel, so the notice waits.
    """

    notice: str
    to: str
    when: str
    unset: NotRequired[str]


class Notices(TypedDict):
    """All notices."""

    items: list[Notice]


class NoticeHere(Notice):
    """A notice, with the template files of this machine (`own`).

    The template files of a server are not known here.
    """

    own: NotRequired[list[str]]


class Letter(TypedDict):
    """The text of a notice in one language."""

    notice: str
    to: str
    language: str
    subject: str
    text: str
    html: str | None


class Letters(TypedDict):
    """The text of a notice in each language."""

    items: list[Letter]


class Metric(TypedDict):
    """A sample of the database's metrics for Prometheus."""

    metric: str
    labels: dict[str, str]
    value: float


class Status(TypedDict):
    """The status of a running server."""

    status: Literal["ok"]
