"""The acts that are faulted: every kind of act of the command line, and a database for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from incidents.desk import Desk, Envelope
from incidents.machine import commands as c
from incidents.machine.commands import Command
from incidents.store.database import engine as engines
from tests.databases import SqliteDatabases

ONE, TWO = "operator-1", "operator-2"

# Minutes before now, the site, the act. A site's numbers are its place here, from 1.
HISTORY: Sequence[tuple[float, str, Command]] = (
    (10, "open.example", c.Log(by=ONE, urls=("http://open.example/1",))),
    (20, "twice.example", c.Log(by=ONE, urls=("http://twice.example/1",))),
    (10, "twice.example", c.Log(by=ONE, urls=("http://twice.example/2",))),
    (90, "due.example", c.Log(by=ONE, urls=("http://due.example/1",))),
    (80, "overdue.example", c.Log(by=ONE, urls=("http://overdue.example/1",))),
    (840, "down.example", c.Log(by=ONE, urls=("http://down.example/1",))),
    (770, "down.example", c.Elapse()),
    (30, "told.example", c.Log(by=ONE, urls=("http://told.example/1",))),
    (20, "told.example", c.RecordContact(by=ONE, incident=1, outcome="reached")),
    (30, "gone.example", c.Log(by=ONE, urls=("http://gone.example/1",))),
    (20, "gone.example", c.StateRemoved(by=ONE, incident=1)),
    (20, "held.example", c.SetHold(by=ONE, reason="by order")),
    (120, "false.example", c.StateFalse(by=ONE, field="phone", evidence="no such number")),
    (110, "asked.example", c.StateFalse(by=ONE, field="phone", evidence="no such number")),
    (100, "asked.example", c.AskReinstatement(by=ONE, reason="the number was ours")),
    (50, "disputed.example", c.Log(by=ONE, urls=("http://disputed.example/1",))),
    (40, "disputed.example", c.Log(by=ONE, urls=("http://disputed.example/2",))),
    (30, "disputed.example", c.Log(by=ONE, urls=("http://disputed.example/3",))),
    (20, "disputed.example", c.VoidIncident(by=ONE, incident=1, reason="no violation")),
    (10, "taken.example", c.Log(by=ONE, urls=("http://taken.example/1",))),
    (5, "taken.example", c.ClaimItem(by=ONE, item="1")),
)
SITES = tuple(dict.fromkeys(site for _, site, _ in HISTORY))

EVIDENCE, POLICY, FEED = "evidence.txt", "policy.toml", "feed.csv"


@dataclass(frozen=True, slots=True)
class Act:
    """One kind of act: what is typed, on what, and which of its parts are transactions.

    A word `{x}` is the number of the site `x.example`, `{here}` the folder of the run. `parts`
    are the numbers of entries after which a transaction ends, but for the last, where there are
    several.
    """

    name: str
    words: Sequence[str]
    person: str = ONE
    status: int = 0
    # The status if it was not done.
    failed: int = 1
    keyed: bool = True
    on_nothing: bool = False
    parts: Sequence[int] = ()
    # The file that the act writes beside the database, from the folder of the run.
    writes: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)

    def line(self, here: Path, *, key: str | None, json: bool) -> list[str]:
        """The words as they are typed."""
        numbers = {site.partition(".")[0]: n for n, site in enumerate(SITES, 1)}
        words = [word.format(here=here, **numbers) for word in self.words]
        words += ["--as", self.person]
        if self.keyed and key is not None:
            words += ["--key", key]
        return [*words, "--json"] if json and self.answers_in_json else words

    @property
    def answers_in_json(self) -> bool:
        """Whether it takes --json."""
        return self.words[0] != "audit"


REASON = ("--reason", "on review")

ACTS: Sequence[Act] = (
    Act("upgrade", ("db", "upgrade"), keyed=False, on_nothing=True),
    Act("first use", ("site", "add", "new.example"), on_nothing=True),
    Act("site add", ("site", "add", "new.example", "--phone", "none", "--person", "somebody")),
    Act("site edit", ("site", "edit", "open.example", "--phone", "another")),
    Act("log", ("log", "told.example", "--url", "http://told.example/2", "--note", "seen")),
    Act("log the third", ("log", "twice.example", "--url", "http://twice.example/3")),
    Act("log, and what was due", ("log", "due.example", "--url", "http://due.example/2")),
    Act("log, refused, and what was due", ("log", "due.example", "--url", "http://due.example/1"),
        status=3),
    Act("contact", ("contact", "{open}-1", "reached", "--note", "spoke to them")),
    Act("contact, no answer", ("contact", "{open}-1", "no-answer")),
    Act("contact of a site", ("contact", "twice.example", "reached")),
    Act("removed", ("removed", "{told}-1")),
    Act("refused", ("refused", "{told}-1", "--confirm", "told.example")),
    Act("recur", ("recur", "{gone}-1")),
    Act("void", ("void", "{open}-1", *REASON)),
    Act("void-contact", ("void-contact", "{told}-1-1", *REASON)),
    Act("take-back", ("take-back", "{gone}-1", *REASON)),
    Act("false-info", ("site", "false-info", "open.example", "--field", "phone", "--evidence",
        "no such number", "--confirm", "open.example")),
    Act("hold", ("site", "hold", "open.example", *REASON)),
    Act("unhold", ("site", "unhold", "held.example", *REASON)),
    Act("reinstate", ("site", "reinstate", "false.example", *REASON)),
    Act("approve", ("site", "approve", "asked.example"), person=TWO),
    Act("decline", ("site", "decline", "asked.example", *REASON), person=TWO),
    Act("uphold", ("site", "uphold", "disputed.example", *REASON)),
    Act("claim", ("claim", "{open}-1")),
    Act("release", ("release", "{taken}-1")),
    Act("hand-over", ("hand-over", TWO)),
    Act("done", ("done", "{disputed}-t1", "--outcome", "told")),
    Act("attach", ("attach", "{open}-1", "{here}/" + EVIDENCE)),
    Act("report receive", ("report", "receive", "{here}/" + EVIDENCE), failed=75, keyed=False),
    Act("note", ("note", "{open}-1", "they call back at noon", "--to-customer")),
    Act("activate", ("policy", "activate", "{here}/" + POLICY, *REASON)),
    Act("daemon --once", ("daemon", "--once"), keyed=False),
    Act("import", ("import", "{here}/" + FEED), keyed=False, parts=(2,)),
    Act("backup", ("db", "backup", "{here}/copy.db"), keyed=False, writes="copy.db"),
    Act("export", ("audit", "export", "-o", "{here}/record.jsonl"), keyed=False,
        writes="record.jsonl"),
)  # fmt: skip
BY_NAME = {act.name: act for act in ACTS}


def prepare(folder: Path, now: datetime) -> None:
    """Prepare the database that all acts but the first start from, and the files they name."""
    file = folder / "incidents.db"
    with SqliteDatabases(folder).at_head() as url:
        make_history(url, now)
        Path(url.removeprefix("sqlite:///")).rename(file)
    (folder / "head.db").unlink()
    write_files(folder)


def write_files(folder: Path) -> None:
    """The files that acts name."""
    (folder / EVIDENCE).write_text("what was found\n")
    (folder / POLICY).write_text('[repeat]\ncount = 4\nwithin = "24h"\n')
    (folder / FEED).write_text(
        "occurred_at,site,url\n"
        "2026-01-01T00:00:00Z,feed-1.example,http://feed-1.example/\n"
        "2026-01-02T00:00:00Z,feed-2.example,http://feed-2.example/\n"
        "2026-01-03T00:00:00Z,feed-2.example,http://feed-2.example/2\n"
    )


def make_history(url: str, now: datetime) -> None:
    """Make the history that all acts but the first find on record."""
    engine = engines.create(url)
    # One by one, so that each has the number of its place.
    added: list[tuple[float, str, Command]] = [(2_880, site, c.AddSite(by=ONE)) for site in SITES]
    for minutes, site, command in [*added, *HISTORY]:
        at = now - timedelta(minutes=minutes)
        desk = Desk(engine, clock=partial(datetime.astimezone, at, UTC))
        [answer] = desk.submit([Envelope(site=site, command=command)])
        assert answer.refusal is None, answer
    engine.dispose()
