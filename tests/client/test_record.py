"""The record over a server: taken away, signed, proved, erased; told as a database tells it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from freezegun import freeze_time

from incidents import clock
from incidents.audit.proof.verdict import VerifyOptions
from incidents.client import imports
from incidents.client.http import Exchange
from incidents.client.record import LostProofError, RemoteRecord
from incidents.desk import Answer, Desk, Envelope
from incidents.desk.envelope import refused_answer
from incidents.errors import DONE, FAILED, MISUSED, NOT_CONFIRMED, NOT_VERIFIED, REFUSED
from incidents.machine import commands as c
from incidents.machine.refusal import Refusal
from tests.api.desk import fill
from tests.api.rig import Rig, rig
from tests.client.conftest import RemoteCli
from tests.log_key import make_key

AGO = timedelta(days=200)


@pytest.fixture
def api(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """A desk of 200 days ago, whose log has a key."""
    monkeypatch.setenv("INCIDENTS_CLOCK", "own")
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(tmp_path / "audit.key"))
    with rig(sqlite_url) as found:
        found.keep_evidence_in(tmp_path / "kept", limit=1_000)
        with freeze_time(clock.now() - AGO, ignore=["_pytest"]):
            fill(found)
            make_key(found.app, tmp_path / "audit.key")
        yield found


@pytest.fixture
def desk(over: RemoteCli) -> RemoteCli:
    """With a supervisor."""
    over.account("sup-1", "supervisor")
    return over


def test_a_persons_words_are_erased_over_a_server_by_who_gives_a_password(desk: RemoteCli) -> None:
    line = ("person", "erase", "shop.example", "--reason", "she asked for it")
    mine, sure = ("--password-file", str(desk.right)), ("--confirm", "shop.example")
    for more, status in (
        ((), REFUSED), (mine, NOT_CONFIRMED), ((*mine, "--confirm", "other.example"), NOT_CONFIRMED)
    ):  # fmt: skip
        assert desk(*line, *more, as_="sup-1").status == status, more
    tried = desk(*line, *mine, "--dry-run", as_="sup-1")
    assert (tried.status, "would be erased" in tried.out) == (DONE, True), tried.err
    done = desk(*line, *mine, *sure, "--json", as_="sup-1")
    assert (done.status, done.json["words"] > 0) == (DONE, True), done.err
    [erased] = desk.api.entries("words_erased")
    assert (erased["actor"], erased["data"]["of"]) == ("sup-1", "shop.example")
    again = desk(*line, *mine, *sure, as_="sup-1")
    assert "nothing left to erase" in again.out, again.err
    assert desk.sessions() == 0


def test_what_is_told_of_the_record_is_what_the_database_tells(
    desk: RemoteCli, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.note"
    assert desk("audit", "checkpoint", "-o", str(kept), as_="sup-1").status == DONE
    url = desk.api.app.settings.db
    assert url is not None
    for line in (
        "audit verify --json", "audit replay --json", "audit replay --site shop.example",
        "audit status --json", "audit key show --json", "retention show --json",
        "audit report shop.example", "audit report shop.example --zone Asia/Tokyo",
        f"audit verify --json --checkpoint {kept}", f"audit verify --json --since {kept}",
        "daemon status --json", "audit checkpoint",
    ):  # fmt: skip
        words = line.split()
        there, here = desk(*words, as_="sup-1"), desk(*words, "--db", url)
        # How long ago something was goes on between the two.
        assert there.status == here.status, (line, there.err)
        if "before" not in there.out:
            assert there.out == here.out, line


def test_what_was_tampered_with_is_found_over_a_server(desk: RemoteCli) -> None:
    with desk.api.app.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE sites SET state = 'closed' WHERE name = 'shop.example'")
    there = desk("audit", "replay", as_="sup-1")
    assert (there.status, "shop.example: sites 1, state" in there.out) == (NOT_VERIFIED, True)
    found = desk("audit", "replay", "--json", as_="sup-1")
    assert [each["column"] for each in found.json["findings"]] == ["state"]


def test_a_bundle_comes_as_a_file_and_proves_itself_here(desk: RemoteCli, tmp_path: Path) -> None:
    file, export = tmp_path / "part.tar.zst", ("audit", "export", "--format", "bundle")
    assert desk("audit", "checkpoint", as_="sup-1").status == DONE
    part = (*export, "--site", "shop.example", "-o", str(file))
    assert desk(*part, as_="sup-1").status == DONE
    assert desk("audit", "verify", str(file), as_="sup-1").status == DONE
    for target, needle in (
        (file, "already exists"), (tmp_path / "folder", "FILE.tar.zst with -o"),
        (tmp_path / "x.zip", "not"),
    ):  # fmt: skip
        answer = desk(*export, "-o", str(target), as_="sup-1")
        assert (answer.status, needle in answer.err) == (MISUSED, True), answer.err


def test_a_checkpoint_that_is_held_is_not_replaced_by_one_that_cannot_be_compared(
    desk: RemoteCli, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.note"
    line = ("audit", "checkpoint", "-o", str(kept))
    for _ in range(2):
        assert desk(*line, as_="sup-1").status == DONE
    before = kept.read_bytes()
    desk.api.app.desk.submit([Envelope(site="shop.example", command=c.Log(by="li"))])
    answer = desk(*line, as_="sup-1")
    assert (answer.status, "cannot tell whether the log still begins with them" in answer.err) == (
        NOT_VERIFIED,
        True,
    )
    assert kept.read_bytes() == before
    assert desk("audit", "verify", "--checkpoint", str(kept), as_="sup-1").status == DONE


HISTORY = """\
occurred_at,site,url,note,contact
2026-03-01T10:00:00Z,b.example,http://b.example/\u8def,one,reached
2026-03-01T10:00:00Z,a.example,,,
2026-03-01T10:20:00Z,b.example,http://b.example/2,,
2026-03-01T10:00:00Z,b.example,http://b.example/\u8def,another,reached
2026-03-01T12:00:00Z,b.example,http://b.example/3,,no-answer
2026-03-01T10:00:00Z,a.example,,,
"""


@pytest.mark.parametrize("at_once", [imports.HISTORY_ROWS_AT_ONCE, 3])
@pytest.mark.parametrize("how", [(), ("--group-within", "60m")])
def test_a_history_is_brought_in_as_with_a_database_in_whatever_parts(
    desk: RemoteCli,
    tmp_path: Path,
    how: tuple[str, ...],
    at_once: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(imports, "HISTORY_ROWS_AT_ONCE", at_once)
    file, url = tmp_path / "history.csv", desk.api.app.settings.db
    file.write_text(HISTORY, encoding="utf-8")
    assert url is not None
    line = ("import", str(file), *how, "--json")
    there, here = (desk(*line, "--dry-run", *to, as_="sup-1") for to in ((), ("--db", url)))
    assert there.json == here.json, there.err
    done = desk(*line, as_="sup-1").json
    assert (done["incidents"], done["sites"]) == (here.json["incidents"], here.json["sites"])
    urls = [each["data"].get("urls", []) for each in desk.api.entries("incident_imported")]
    assert len(urls) == done["incidents"]["new"]
    assert sum(map(len, urls)) == (3 if how else 4)
    again = desk(*line, "--db", url).json
    assert again["incidents"] == {"new": 0, "known": sum(done["incidents"].values())}


def test_more_rows_of_one_site_and_time_than_a_server_takes_are_refused_and_a_row_is_named(
    desk: RemoteCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "history.csv"
    file.write_text(HISTORY, encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(imports, "HISTORY_ROWS_AT_ONCE", 1)
        answer = desk("import", str(file), as_="sup-1")
    assert (answer.status, "2 are about a.example at 2026" in answer.err) == (MISUSED, True)
    row = b"occurred_at,site,category\n2026-03-01T10:00:00Z,shop.example,+8613800138000\n"
    (tmp_path / "refused.csv").write_bytes(row)
    refused = desk("import", str(tmp_path / "refused.csv"), as_="sup-1")
    assert (refused.status, "0 imported" in refused.out) == (FAILED, True), refused.out
    assert "refused.csv, line 2: the category goes on record" in refused.err


def test_an_import_that_a_server_refuses_as_a_whole_is_told_as_with_a_database(
    desk: RemoteCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, url = tmp_path / "history.csv", desk.api.app.settings.db
    file.write_text(HISTORY, encoding="utf-8")
    assert url is not None
    behind = Refusal("clock_behind", {"now": datetime(2026, 6, 1, tzinfo=UTC), "behind_s": 360})

    def refuses(_: Desk, envelopes: list[Envelope], **__: object) -> list[Answer]:
        return [refused_answer(str(envelope.site), behind) for envelope in envelopes]

    monkeypatch.setattr(Desk, "submit", refuses)
    line = ("import", str(file), "--json")
    there, here = (desk(*line, *to, as_="sup-1") for to in ((), ("--db", url)))

    assert there.json["sites"] == there.json["incidents"] == {"new": 0, "known": 0}
    assert (there.status, there.json, there.err) == (FAILED, here.json, here.err)
    assert "; nothing was written" in there.err


def _proof(entries: int, **more: Any) -> dict[str, Any]:
    found = {"by": "sup-1", "begun_at": "2026-03-01T10:00:00Z", "of": 100, "entries": entries}
    return found | {"ended_at": None, "failed": False, "shown": None} | more


@pytest.mark.parametrize(
    ("last", "needle"),
    [({"begun_at": "2026-03-01T10:09:00Z"}, "started another one"),
     ({"ended_at": "2026-03-01T10:01:00Z", "failed": True}, "the server log says why")],
)  # fmt: skip
def test_a_proof_is_waited_for_until_it_has_ended_or_is_lost(
    last: dict[str, Any], needle: str
) -> None:
    answers = [_proof(10), _proof(40), _proof(70, **last)]
    asked: list[str] = []
    told: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url.params.get('wait')}")
        return httpx.Response(200, json=answers.pop(0))

    class Bar:
        def __enter__(self) -> Any:
            return told.append

        def __exit__(self, *_: object) -> None:
            return None

    exchange = Exchange(
        "https://desk.host.example", token=None, transport=httpx.MockTransport(answer)
    )
    with pytest.raises(LostProofError, match=needle):
        RemoteRecord(exchange).verdict(VerifyOptions(), lambda _: Bar())
    assert asked == ["POST None", "GET 20", "GET 20"]
    assert told == [10, 30]
