"""The webhook: what a real receiver is told, and what its answer means for the order."""

import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from freezegun import freeze_time
from standardwebhooks import Webhook as Verifier

from incidents import clock
from incidents.enforcement import webhook
from incidents.enforcement.port import Adapter, Delivered, Order, Retry
from incidents.errors import SettingError
from incidents.settings.options import Options
from tests.enforcement.orders import ORDER, detail, problem
from tests.outbound.rig import (
    LOOPBACK,
    Authority,
    Handler,
    Script,
    always,
    dripping,
    receiver,
    request_of,
    resetting,
    saying,
    silent,
    talker,
)

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OLD_SECRET = "whsec_" + base64.b64encode(bytes(range(32, 64))).decode()
SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "webhook.schema.json"

Make = Callable[..., webhook.Webhook]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes webhooks from settings, and ends their connections."""
    made: list[webhook.Webhook] = []

    def make_one(url: str, **table: Any) -> webhook.Webhook:
        settings = {"url": url, "secret": SECRET, "allow": [LOOPBACK], "timeout": "5s", **table}
        options = Options("[acts.panel]", settings)
        made.append(webhook.make("panel", options))
        options.finish()
        return made[-1]

    yield make_one
    for each in made:
        each.close()


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────


def test_a_receiver_that_answers_2xx_has_done_it(make: Make) -> None:
    with receiver(always(204)) as there:
        adapter: Adapter = make(there.url)
        assert adapter.name == "panel"
        assert adapter.deliver(ORDER) == Delivered()


def test_the_request_is_a_signed_post_of_json_that_the_library_verifies(make: Make) -> None:
    with receiver(always(204)) as there:
        make(there.url).deliver(ORDER)
    (seen,) = there.seen
    assert (seen.method, seen.path) == ("POST", "/hook")
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["user-agent"].startswith("incidents/")
    assert seen.headers["webhook-id"] == "12-o45"
    assert Verifier(SECRET).verify(seen.body, seen.headers) == {
        "type": "order.suspend",
        "timestamp": "2026-03-01T02:50:00.000005Z",
        "data": ORDER.document(),
    }


def test_the_body_is_canonical_and_the_same_in_each_attempt_under_the_same_id(make: Make) -> None:
    with receiver(always(204)) as there:
        hook = make(there.url)
        for _ in range(2):
            hook.deliver(ORDER)
    first, second = there.seen
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    told = json.loads(first.body)
    assert first.body == json.dumps(told, sort_keys=True, separators=(",", ":")).encode("ascii")


def test_while_secrets_change_over_both_verify(make: Make) -> None:
    with receiver(always(204)) as there:
        make(there.url, previous_secret=OLD_SECRET).deliver(ORDER)
    (seen,) = there.seen
    assert len(seen.headers["webhook-signature"].split(" ")) == 2
    for secret in (SECRET, OLD_SECRET):
        assert Verifier(secret).verify(seen.body, seen.headers)["data"]["id"] == "12-o45"


def test_a_secret_may_stand_in_a_file_or_a_variable(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text(SECRET + "\n")
    monkeypatch.setenv("OLD_WEBHOOK_SECRET", OLD_SECRET)
    with receiver(always(204)) as there:
        make(
            there.url,
            secret=None,
            secret_file=str(tmp_path / "secret"),
            previous_secret_env="OLD_WEBHOOK_SECRET",
        ).deliver(ORDER)
    (seen,) = there.seen
    for secret in (SECRET, OLD_SECRET):
        assert Verifier(secret).verify(seen.body, seen.headers)


def test_the_time_that_is_signed_is_the_attempts_own_in_utc(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library takes the wall time of any zone for that of UTC."""
    now = datetime.now(timezone(timedelta(hours=8)))
    monkeypatch.setattr(clock, "source", lambda: now)
    with receiver(always(204)) as there:
        make(there.url).deliver(ORDER)
    (seen,) = there.seen
    assert seen.headers["webhook-timestamp"] == str(int(now.timestamp()))
    assert Verifier(SECRET).verify(seen.body, seen.headers)


@pytest.mark.parametrize(
    ("lane", "kind", "type_"),
    [
        ("act", "suspend", "order.suspend"),
        ("act", "reopen", "order.reopen"),
        ("act", "close", "order.close"),
        ("notice", "suspend", "notice.suspend"),
        ("notice", "notify", "notice.notify"),
        ("desk", "call", "desk.call"),
        ("desk", "alarm", "desk.alarm"),
    ],
)
def test_each_kind_of_order_is_as_the_schema_says(
    make: Make, lane: str, kind: str, type_: str
) -> None:
    id_ = "12-o45" if lane == "act" else f"12-o45.{lane}"
    order = Order(
        id=id_, kind=kind, lane=lane, site="xn--fsqu00a.example", site_id=12, seq=45,
        ordered_at=datetime(2026, 3, 1, tzinfo=UTC),
    )  # fmt: skip
    with receiver(always(204)) as there:
        hook = make(there.url)
        hook.deliver(order)
        hook.deliver(ORDER)
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    jsonschema.Draft202012Validator.check_schema(schema)
    for seen in there.seen:
        validator.validate(json.loads(seen.body))
    assert json.loads(there.seen[0].body)["type"] == type_


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told.update(type="order.delete"),
        lambda told: told.pop("timestamp"),
        lambda told: told["data"].pop("seq"),
        lambda told: told["data"].update(seq=45),
        lambda told: told["data"].update(phone="+86 10 5555 0100"),
        lambda told: told["data"].update(until="tomorrow"),
        lambda told: told["data"].update(rule="whim"),
    ],
)
def test_the_schema_refuses_what_is_never_sent(change: Callable[[Any], object]) -> None:
    told = {
        "type": "order.suspend",
        "timestamp": "2026-03-01T02:50:00Z",
        "data": ORDER.document(),
    }
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.validate(told, schema)
    change(told)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(told, schema)


# ── what an answer means ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 299])
def test_any_2xx_is_done(make: Make, status: int) -> None:
    with receiver(always(status)) as there:
        assert make(there.url).deliver(ORDER) == Delivered()


@pytest.mark.parametrize(
    "status",
    [300, 301, 302, 304, 307, 308, 400, 401, 403, 404, 405, 408, 409, 413, 418, 422, 425, 429, 500,
     501, 502, 503, 504, 599, 600, 999],
)  # fmt: skip
def test_any_other_status_but_410_is_tried_again_under_its_own_code(
    make: Make, status: int
) -> None:
    with receiver(always(status)) as there:
        outcome = make(there.url).deliver(ORDER)
    assert isinstance(outcome, Retry)
    assert (outcome.problem, outcome.after) == (f"http_{status}", None)
    assert outcome.detail is not None
    assert str(status) in outcome.detail


def test_410_is_never_tried_again(make: Make) -> None:
    with receiver(always(410, Retry_After="60")) as there:
        outcome = make(there.url).deliver(ORDER)
    assert problem(outcome) == "Failed gone"


@pytest.mark.parametrize("status", [429, 503, 403, 500])
@pytest.mark.parametrize(
    ("value", "after"),
    [
        ("120", timedelta(minutes=2)),
        ("Sun, 01 Mar 2026 10:02:00 GMT", timedelta(minutes=2)),
        ("604800", timedelta(hours=24)),
        ("Sun, 08 Mar 2026 10:02:00 GMT", timedelta(hours=24)),
        ("soon", None),
    ],
)
def test_retry_after_is_obeyed_in_both_forms_up_to_a_day(
    make: Make,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    value: str,
    after: timedelta | None,
) -> None:
    monkeypatch.setattr(clock, "source", lambda: datetime(2026, 3, 1, 10, tzinfo=UTC))
    with receiver(always(status, Retry_After=value)) as there:
        outcome = make(there.url).deliver(ORDER)
    assert isinstance(outcome, Retry)
    assert (outcome.problem, outcome.after) == (f"http_{status}", after)


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        (silent, "timeout"),
        (dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"x"), "timeout"),
        (dripping(b"", b"H"), "timeout"),
        (resetting, "reset"),
        (saying(), "reset"),
        (saying(b"hello\r\n\r\n"), "bad_answer"),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"), "bad_answer"),
    ],
)
def test_a_receiver_that_hangs_drips_or_breaks_off_is_tried_again(
    make: Make, script: Script, problem: str
) -> None:
    with talker(script) as there:
        # Who hangs or drips does so for as long as it is waited for.
        outcome = make(there.url, timeout="1s").deliver(ORDER)
    assert isinstance(outcome, Retry)
    assert (outcome.problem, outcome.after) == (problem, None)


def test_a_huge_answer_is_not_read_to_its_end_and_its_status_counts(make: Make) -> None:
    def script(channel: socket.socket, over: threading.Event) -> None:
        request_of(channel)
        channel.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
        while not over.is_set():
            channel.sendall(b"x" * 100_000)

    with talker(script) as there:
        assert make(there.url).deliver(ORDER) == Delivered()


def test_a_receiver_that_is_not_there_is_tried_again(make: Make) -> None:
    with talker(silent) as gone:
        pass
    outcome = make(gone.url).deliver(ORDER)
    assert problem(outcome) == "Retry refused"


def test_a_name_that_leads_to_a_forbidden_address_is_not_asked_and_looked_up_again_later(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver(always(200)) as there:
        answer = (socket.AF_INET, socket.SOCK_STREAM, 6, "", (LOOPBACK, there.port))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [answer])
        outcome = make(f"https://hooks.example:{there.port}/?token=whisper").deliver(ORDER)
        assert there.seen == []
    assert problem(outcome) == "Retry forbidden_target"
    assert "127.0.0.1 is a loopback address" in detail(outcome)
    assert "whisper" not in detail(outcome)


def test_a_receiver_by_tls_is_told_if_its_authority_is_known_and_not_else(
    make: Make, authority: Authority
) -> None:
    with receiver(always(204), tls=authority.server(LOOPBACK)) as there:
        assert make(there.url, ca_file=str(authority.file)).deliver(ORDER) == Delivered()
        outcome = make(there.url).deliver(ORDER)
    assert problem(outcome) == "Retry tls"
    assert len(there.seen) == 1


def test_a_problem_is_a_code_and_its_detail_holds_no_secret(make: Make) -> None:
    with receiver(always(500)) as there:
        outcome = make(f"{there.url}?token=whisper").deliver(ORDER)
    assert isinstance(outcome, Retry)
    assert outcome.problem.replace("_", "").isalnum()
    assert outcome.detail is not None
    assert "whisper" not in outcome.detail
    assert SECRET not in outcome.detail


# ── many at once ─────────────────────────────────────────────────────────────────────────────────


def test_a_kept_connection_that_the_receiver_has_just_ended_costs_no_attempt(make: Make) -> None:
    def script(channel: socket.socket, over: threading.Event) -> None:
        request_of(channel)
        channel.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        request_of(channel)

    with talker(script) as there:
        hook = make(there.url)
        assert [hook.deliver(ORDER) for _ in range(3)] == [Delivered()] * 3
        assert there.connections == 3


# ── how a site stands ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", ["active", "suspended", "closed"])
def test_the_receiver_is_asked_how_a_site_stands(make: Make, state: str) -> None:
    with receiver(always(200, json.dumps({"state": state}).encode())) as there:
        hook = make(there.url, state_url=f"{there.url}/state?panel=1")
        assert hook.state("shop.example") == state
        hook.close()
    (seen,) = there.seen
    assert (seen.method, seen.path) == ("GET", "/hook/state?panel=1&site=shop.example")
    assert seen.headers["webhook-id"] == "state-shop.example"
    assert Verifier(SECRET).verify(seen.body, seen.headers, json_parse=False) is None


def test_without_an_address_to_ask_nobody_is_asked(make: Make) -> None:
    with receiver(always(200)) as there:
        assert make(there.url).state("shop.example") is None
        assert there.seen == []


def test_a_site_that_the_receiver_does_not_know_has_no_state(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    with receiver(always(404)) as there:
        assert make(there.url, state_url=there.url).state("2001:db8::1") is None
    assert there.seen[0].path == "/hook?site=2001%3Adb8%3A%3A1"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("answering", "reason"),
    [
        (always(500), "http_500"),
        (always(302), "http_302"),
        (always(200, b""), "bad_answer"),
        (always(200, b"active"), "bad_answer"),
        (always(200, b'"active"'), "bad_answer"),
        (always(200, b"{}"), "bad_answer"),
        (always(200, b'{"state":"down"}'), "bad_answer"),
        (always(200, b'{"state":["active"]}'), "bad_answer"),
        (always(200, b"[" * 50_000), "bad_answer"),
        (always(200, b'{"state":"active"}' + b" " * 100_000), "bad_answer"),
        (always(200, b"\xff\xfe{"), "bad_answer"),
    ],
)
def test_an_answer_that_makes_no_sense_is_no_state_and_the_log_says_so(
    make: Make,
    capsys: pytest.CaptureFixture[str],
    answering: Callable[[Handler], None],
    reason: str,
) -> None:
    with receiver(answering) as there:
        assert make(there.url, state_url=there.url).state("shop.example") is None
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["site"], line["reason"]) == (
        "state_unknown",
        "shop.example",
        reason,
    )


def test_a_receiver_that_cannot_be_asked_is_no_state_and_the_log_says_so(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    with talker(silent) as gone:
        pass
    assert make(gone.url, state_url=gone.url).state("shop.example") is None
    assert json.loads(capsys.readouterr().err)["reason"] == "refused"


# ── settings ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"url": None}, "url"),
        ({"url": ""}, "url"),
        ({"url": "hooks.example"}, "must begin with https://"),
        ({"url": "http://hooks.example/"}, "use https, or add it to the list"),
        ({"url": "http://hooks.example/"}, 'your own network, write allow = ["hooks.example"]'),
        ({"url": "https://169.254.169.254/"}, "link-local"),
        ({"url": "https://127.0.0.2/"}, "loopback"),
        ({"state_url": "https://10.0.0.1/"}, "private"),
        ({"secret": None}, "secret"),
        ({"secret": "whsec_"}, "24 to 64 bytes"),
        ({"secret": "whsec_" + "QUJD" * 7}, "24 to 64 bytes"),
        ({"secret": "whsec_" + "QUJD" * 22}, "24 to 64 bytes"),
        ({"secret": "QUJD" * 8}, "whsec_"),
        ({"secret": "whsec_" + "QU-_" * 20}, "base64"),
        ({"secret": "whsec_" + "é" * 32}, "base64"),
        ({"previous_secret": "whisper"}, "previous_secret"),
        ({"allow": ["*.internal"]}, "it has a *"),
        ({"allow": ["http://panel.internal/"]}, "it is a URL"),
        ({"timeout": "0s"}, "timeout"),
        ({"timeout": "19s"}, 'a duration such as "15s", from 1s to 18s'),
        ({"ca_file": "/nowhere/ca.pem"}, "certificates in PEM"),
        ({"ca_file": __file__}, "certificates in PEM"),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_must_be(
    make: Make, table: dict[str, Any], told: str
) -> None:
    with pytest.raises(SettingError) as wrong:
        make(table.pop("url", "https://hooks.example/"), **table)
    assert told in wrong.value.message
    assert "[acts.panel]" in wrong.value.message


@pytest.mark.parametrize(
    "table",
    [
        {"secret": "whsec_whisper"},
        {"previous_secret": "whisper"},
        {"url": "https://operator-1:whisper@hooks.example/"},
        {"url": "http://hooks.example/?token=whisper"},
    ],
)
def test_a_wrong_setting_tells_no_secret(make: Make, table: dict[str, Any]) -> None:
    with pytest.raises(SettingError) as wrong:
        make(table.pop("url", "https://hooks.example/"), **table)
    assert "whisper" not in wrong.value.message


def test_of_a_wrong_secret_it_is_said_where_it_stands(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "panel.secret"
    file.write_text("whisper")
    file.chmod(0o600)
    monkeypatch.setenv("PANEL_SECRET", "whisper")
    for where, stands in (
        ({"secret_file": str(file)}, f"a wrong secret_file: the content of {file} must be whsec_"),
        ({"secret_env": "PANEL_SECRET"}, "the value of PANEL_SECRET must be whsec_"),
    ):
        with pytest.raises(SettingError) as wrong:
            make("https://hooks.example/", secret=None, **where)
        assert stands in wrong.value.message
        assert "has no secret" not in wrong.value.message
        assert "whisper" not in wrong.value.message


def test_a_stopped_clock_stops_no_deadline_of_a_real_socket(make: Make) -> None:
    with freeze_time("2026-03-01T10:00:00Z"), receiver(always(204)) as there:
        assert make(there.url).deliver(ORDER) == Delivered()
    assert there.seen[0].headers["webhook-timestamp"] == "1772359200"
