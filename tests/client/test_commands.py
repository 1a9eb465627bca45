"""Each command over a server: what HTTP has an operation for is done, the rest says why not."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import MISSING, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from starlette.types import Receive, Scope, Send

from incidents import clock
from incidents.api.operation import PREFIX
from incidents.client.desk import request
from incidents.contract.actions import ACTIONS
from incidents.desk import Envelope
from incidents.errors import DONE, FAILED, MISUSED, REFUSED
from incidents.machine import commands as c
from incidents.store.database.engine import writing
from incidents.store.schema.desk_tables import keys
from tests.api.desk import fill
from tests.api.rig import Rig, rig
from tests.api.test_command_line_parity import OF_THE_MACHINE, OVER_HTTP
from tests.client.conftest import RemoteCli
from tests.conftest import WriteSettings
from tests.log_key import make_key

SETTINGS = """
[customer]
base_url = "https://desk.host.example"
secret = "0123456789abcdef0123456789abcdef"

[retention]
keep = "184d"
"""

DAY = """
sup: site add new.example --phone '+86 10 5555 0100'
sup: site edit new.example --email desk@new.example
sup: site list --state active
sup: site show new.example
sup: site why new.example
sup: filing set new.example level=3 opened_on=2026-01-02 --preset aliyun-access
sup: filing set new.example icp_number=京ICP备12345678号
sup: filing server new.example main --ip 192.0.2.7 --count 2
sup: filing document new.example contract {file} --kind access_contract
sup: filing show new.example
sup: filing check new.example
sup: filing fields
sup: filing presets
sup: filing terms --days 30
sup: filing import {list} --dry-run
sup: filing import {list}
sup: filing export new.example
sup: filing snippet new.example
sup: filing form new.example
sup: log new.example --category gambling --url https://new.example/a
sup: queue --limit 1000 --reveal
sup: claim 1-1
sup: queue --mine
sup: queue --kind call --site shop.example --category spam --holder op
sup: queue --state active --rule repeat --due-before 2026-03-01T10:00:00Z
sup: release 1-1
sup: claim 1-1
sup: hand-over two
sup: show 1-1
sup: note 1-1 'seen again'
sup: report receive {file}
sup: report list
sup: report show r1
sup: report source r1 -o {export}3
sup: report log r1 new.example
sup: report receive {policy} {history}
sup: report join r2 1-1
sup: report dismiss r3 --reason gone
sup: report reopen r3 --reason mistaken
sup: report receive {sealed}
sup: report source r4 --reason 'for the police' -o {export}4 --password-file {own}
sup: report receive {mail}
sup: report source r5 --attachment 1 -o {export}5
sup: report reporter mark zhao@user.example trusted --reason known
sup: report reporter show zhao@user.example
sup: report reporter list
sup: report rules show
sup: report rules show --history
sup: report rules check {rules}
sup: report rules try {rules} --days 2
sup: report rules activate {rules} --reason 'a feed' --dry-run --password-file {own}
sup: report rules activate {rules} --reason 'a feed' --password-file {own}
sup: attach 1-1 {file} --dry-run
sup: attach 1-1 {file}
sup: contact 1-1 reached
sup: void-contact 1-1-2 --reason mistyped
sup: contact shop.example reached
sup: removed 1-1
sup: take-back 1-1 --reason mistyped
sup: recur 1-1
sup: reported 1-1 --ref 4711
sup: duty --limit 1000
sup: void 4-1 --reason 'no violation'
sup: refused 1-1 --confirm shop.example --password-file {own}
sup: done 1-t1 --outcome told
sup: site reinstate closed.example --reason 'filed anew' --password-file {own}
two: site decline closed.example
sup: site reinstate closed.example --reason 'filed anew' --password-file {own}
sup: site approve closed.example --as two --password-file {own}
sup: site false-info new.example --field ip --evidence y --confirm new.example --password-file {own}
sup: site hold closed.example --reason ordered
sup: site unhold closed.example --reason lifted
sup: acts list --limit 10000
sup: acts show 2-o2
sup: acts reconcile closed.example
sup: policy show
sup: policy history
sup: policy graph
sup: policy check {policy}
sup: policy test docs/examples/scenarios.toml
sup: policy activate {policy} --reason 'a change' --dry-run --password-file {own}
sup: policy activate {policy} --reason 'a change' --password-file {own}
sup: notices list
sup: notices preview closed --language en
sup: link 1-1
sup: revoke-links 1-1
sup: metrics
sup: audit export --site shop.example -o {export}
sup: audit checkpoint -o {checkpoint}
sup: audit export --format bundle -o {bundle}
sup: audit report shop.example -o {report}
sup: audit verify --checkpoint {checkpoint}
sup: audit verify --since auto
sup: audit verify {bundle}
sup: audit replay
sup: audit replay --site shop.example
sup: audit status
sup: audit key show
sup: simulate {history} -o {picture}
sup: import {history} --dry-run
sup: import {history}
sup: retention show
sup: retention run --dry-run
sup: retention run --password-file {own}
admin: account add op-2 --role operator --own-password-file {own}
admin: account list
admin: account role op-2 viewer --own-password-file {own}
admin: account password op-2 --password-file {own} --own-password-file {own}
admin: account invite op-3 --role operator --own-password-file {own}
admin: account invitations --of op-3
admin: account reset-factors op-2 --own-password-file {own}
admin: account disable op-2 --own-password-file {own}
admin: account enable op-2 --own-password-file {own}
admin: token make op-2 --days 7 --own-password-file {own}
admin: token list
admin: account sessions
sup: account sessions --of sup
sup: account sessions
sup: token list
admin: account sign-ins --failed --limit 5
admin: account refusals --since "2026-01-01 00:00"
admin: person erase --account op-2 --reason asked --password-file {own}
"""
"""What is typed over a server, in turn, and who types it; all of it is done."""

ALARMED = """
sup: alarms
sup: alarms test
sup: daemon status
"""
"""Of a desk whose clock nobody enforces, and whose alarms nobody is told of, that is the answer."""

REFUSED_THERE = """
sup: report retest r2
sup: site uphold new.example --reason x
sup: site confirm-closure new.example --confirm new.example --password-file {own}
sup: site decline-closure new.example
sup: acts retry 2-o2
sup: acts release 2-o2
sup: acts cancel 2-o99 --reason x
admin: token revoke 0000000000000000 --own-password-file {own}
admin: account uninvite 0123456789 --own-password-file {own}
admin: account sign-out 0123456789 --own-password-file {own}
sup: person erase shop.example --reason asked --password-file {own}
sup: person erase --reporter zhao@user.example --reason asked --password-file {own}
"""
"""It is asked, and there is nothing to do so with."""

HERE_ALONE = """
serve
daemon
daemon --once
daemon check
db upgrade
db check
db backup {export}2
audit archive
audit key new
audit key rotate --reason x
recover --reason x
db rekey --reason x
report book {file}
"""
"""It is about this machine, and who has named a server is told so."""

OF_NO_DESK = {
    "GET /policy/graph", "POST /policy/check", "POST /policy/test", "POST /simulate",
    "POST /simulate/picture", "GET /filings/fields",
}  # fmt: skip
"""No desk is needed for it: programs can ask a server, and a command does it by itself."""

ANYWHERE = {
    "completion", "db grants", "filing check-footer", "audit verify FILE", "audit witness", "demo",
}  # fmt: skip
"""It is about this machine, and asks nobody: it is done whether or not a server is named."""


@pytest.fixture
def api(
    sqlite_url: str, tmp_path: Path, write_settings: WriteSettings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Rig]:
    monkeypatch.setenv("INCIDENTS_CLOCK", "own")
    write_settings(SETTINGS)
    with rig(sqlite_url) as found:
        found.keep_evidence_in(tmp_path / "kept", limit=1_000)
        monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(tmp_path / "audit.key"))
        make_key(found.app, tmp_path / "audit.key")
        yield found


@pytest.fixture
def asked(api: Rig) -> set[str]:
    """The operations that are asked for from now on."""
    found, whole = set(), api.asgi_app

    async def noting(scope: Scope, receive: Receive, send: Send) -> None:
        await whole(scope, receive, send)
        path = scope["route"].path.removeprefix(PREFIX)
        found.add(f"{scope['method']} {path.replace(':path', '')}")

    api.asgi_app = noting  # type: ignore[assignment]  # as much of an application as a server needs
    return found


@pytest.fixture
def files(tmp_path: Path, over: RemoteCli) -> dict[str, str]:
    """The files that are typed."""
    written = {
        "file": "seen", "policy": "[repeat]\ncount = 4\n",
        "history": "occurred_at,site\n2026-03-01T10:00:00Z,a.example\n",
        "rules": '[[rule]]\nname = "feed"\nowner = "sup"\nact = "ask"\n',
        "list": "site,level\nnew.example,2\n",
        "sealed": "From: a@user.example\nSubject: CSAM\n\nhttps://new.example/b\n",
        "mail": "From: a@user.example\nSubject: spam\nContent-Type: application/pdf\n\nx\n",
    }  # fmt: skip
    for name, text in written.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    made = {name: str(tmp_path / name) for name in ("export", "report", "checkpoint")}
    named = {name: str(tmp_path / name) for name in written}
    return {
        **made, **named, "own": str(over.right), "bundle": str(tmp_path / "bundle.tar.zst"),
        "picture": str(tmp_path / "picture.svg"),
    }  # fmt: skip


def _lines(text: str, files: dict[str, str]) -> Iterator[tuple[str | None, list[str]]]:
    for line in text.strip().splitlines():
        who, _, typed = line.rpartition(": ")
        yield who or None, [word.format(**files) for word in shlex.split(typed)]


def test_each_command_is_answered_by_a_server_or_says_that_it_is_not_done_so(
    asked: set[str], over: RemoteCli, files: dict[str, str], tmp_path: Path
) -> None:
    """So that what the API offers and what is done with --server cannot be two things."""
    fill(over.api)
    for handle, role in (("sup", "supervisor"), ("two", "supervisor"), ("admin", "administrator")):
        over.account(handle, role)
    for who, line in _lines(DAY, files):
        answer = over(*line, as_=who)
        assert answer.status == DONE, (line, answer.err)
    for who, line in _lines(REFUSED_THERE, files):
        answer = over(*line, "--json", as_=who)
        assert answer.status == REFUSED, (line, answer.err)
        assert answer.refused["name"] not in ("not_let", "not_signed_in"), answer.err
    # No browser has drawn it.
    assert over("report", "source", "r1", "--screenshot", "1", as_="sup").status == REFUSED
    for who, line in _lines(ALARMED, files):
        answer = over(*line, as_=who)
        assert (answer.status, "server" in answer.err) == (FAILED, False), (line, answer.err)
    for _, line in _lines(HERE_ALONE, files):
        answer = over(*line, as_="sup")
        assert (answer.status, "not possible over a server" in answer.err) == (MISUSED, True), (
            line, answer.err,
        )  # fmt: skip
    assert (tmp_path / "export").read_text(encoding="utf-8").count("\n") > 5
    assert len([each for each in (tmp_path / "kept").rglob("*") if each.is_file()]) == 5
    assert over.sessions() == 0
    assert set(OVER_HTTP.values()) - asked == OF_NO_DESK


def test_what_is_about_this_machine_is_typed_above_too() -> None:
    here = {" ".join(line.split()[:3]) for line in HERE_ALONE.strip().splitlines()}
    for listed in OF_THE_MACHINE.keys() - ANYWHERE:
        assert any(line.startswith(listed) for line in here), f"{listed} is not tried"
    assert set(OF_THE_MACHINE) >= ANYWHERE


def test_what_is_answered_over_a_server_reads_as_with_a_database(over: RemoteCli) -> None:
    api = over.api
    fill(api)
    over.account("sup-1", "supervisor")
    url = api.app.settings.db
    assert url is not None
    for line in (
        "duty", "alarms", "policy show", "policy history", "notices preview closed --language en",
        "acts list", "audit export", "show closed.example", "show 9-9",
    ):  # fmt: skip
        words = line.split()
        there, here = over(*words, as_="sup-1"), over(*words, "--db", url)
        assert (there.status, there.out) == (here.status, here.out), (line, there.err)
    for line in ("alarms", "notices list"):
        there, here = over(*line.split(), as_="sup-1"), over(*line.split(), "--db", url)
        assert "[alarms] channels in the settings" in there.err
        assert there.err == here.err


def test_each_act_of_the_api_has_its_request() -> None:
    """Where it is done over HTTP and which command that is stands in the API's table."""
    of: dict[str, str | int] = {
        "site": "shop.example",
        "incident": 12,
        "contact": 12,
        "item": 12,
        "order": 12,
    }
    numbers = {"incident": 3, "contact": 1, "task": 2, "order": 45, "item": "t2", "lane": "act"}
    paths = {
        "site": "/sites/shop.example", "incident": "/incidents/12-3", "contact": "/contacts/12-3-1",
        "item": "/queue/12-t2", "order": "/orders/12-o45",
    }  # fmt: skip
    # Where two acts make the same command, the client sends it by the other one.
    for act in (each for each in ACTIONS if each.path and each.operation is None):
        needed = [each.name for each in fields(act.command) if each.default is MISSING]
        given: dict[str, Any] = {name: numbers.get(name, "x") for name in needed}
        if act.of == "site" and "incident" in given:
            given["incident"] = None
        command = act.command(**given)
        method, path, _ = request(Envelope(site=of[act.of], command=command))
        assert (method, path) == ("POST", f"{paths[act.of]}/{act.path}"), act
    for kind, expected in (
        (c.AddSite, ("POST", "/sites")), (c.EditSite, ("PATCH", "/sites/shop.example")),
        (c.ChangeFiling, ("PATCH", "/sites/shop.example/filing")),
    ):  # fmt: skip
        assert request(Envelope(site="shop.example", command=kind(by="x")))[:2] == expected


def test_the_same_line_a_minute_later_is_another_violation(over: RemoteCli) -> None:
    fill(over.api)
    over.account("op-1", "operator")
    line = ("log", "shop.example", "--json")
    first, again = (over(*line, as_="op-1", typed="") for _ in range(2))
    assert (first.json["incident"]["id"], again.json["incident"]["id"]) == ("1-2", "1-2")
    with writing(over.api.app.engine) as connection:
        connection.execute(update(keys).values(recorded_at=clock.now() - timedelta(minutes=2)))
    assert over(*line, as_="op-1", typed="").json["incident"]["id"] == "1-3"


def test_with_a_token_nobody_else_is_named(over: RemoteCli) -> None:
    fill(over.api)
    for handle in ("op-1", "op-2"):
        over.account(handle, "operator")
    other = over("claim", "1-1", "--as", "op-2", as_="op-1")
    assert other.status == MISUSED
    assert "the token belongs to op-1, not to op-2 (--as, or INCIDENTS_AS)" in other.err
    own = over("claim", "1-1", "--as", "op-1", as_="op-1")
    assert (own.status, own.out) == (DONE, "1-1 assigned to op-1\n")
