"""What goes wrong on the way to a server: one line that says it, and the right exit status."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from incidents import clock
from incidents.cli import main
from incidents.client import http
from incidents.client.faults import ProblemError, ServerError
from incidents.client.http import Exchange
from incidents.errors import DONE, FAILED, MISUSED, REFUSED, IncidentsError
from tests.api.rig import Rig
from tests.client.serving import serving

PROBLEM = {"content-type": "application/problem+json"}


def _answered(status: int, body: Any, headers: dict[str, str] | None = None) -> IncidentsError:
    """What is raised of that answer."""
    answer = (
        httpx.Response(status, json=body, headers=headers)
        if isinstance(body, dict)
        else httpx.Response(status, text=body)
    )
    transport = httpx.MockTransport(lambda _: answer)
    exchange = Exchange("https://desk.host.example", token="t", transport=transport)
    with pytest.raises(IncidentsError) as raised:
        exchange.get("/queue")
    assert "\n" not in raised.value.message
    return raised.value


@pytest.mark.parametrize(("status", "body", "name", "exit_status"), [
    (200, "<html>a router's page</html>", "no_desk", FAILED),
    (302, "", "no_desk", FAILED),
    (404, "<html>nginx</html>", "no_desk", FAILED),
    (502, "<html>nginx</html>", "server", FAILED),
    (599, "", "server", FAILED),
    (404, {"type": "urn:incidents:problem:not-found"}, "no_operation", FAILED),
    (405, {"type": "urn:incidents:problem:method-not-allowed"}, "no_operation", FAILED),
    (503, {"type": "urn:incidents:problem:database", "detail": "away"}, "database", FAILED),
    (500, {"type": "urn:incidents:problem:fault"}, "fault", FAILED),
    (409, {"type": "urn:incidents:problem:no-request", "detail": "no"}, "no_request", REFUSED),
])  # fmt: skip
def test_an_answer_that_is_none_is_told_by_its_name(
    status: int, body: Any, name: str, exit_status: int
) -> None:
    error = _answered(status, body, PROBLEM)
    assert (error.name, error.exit_status) == (name, exit_status)
    assert isinstance(error, ProblemError | ServerError)


def test_which_part_of_a_request_is_wrong_is_told() -> None:
    parts = [{"loc": ["header", "Idempotency-Key"], "type": "x", "msg": "too long"}]
    body = {"type": "urn:incidents:problem:invalid-request", "detail": "no", "errors": parts}
    assert _answered(422, body).message == "no (header.Idempotency-Key: too long)"


def test_a_server_that_is_older_says_what_it_cannot_do(
    api: Rig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INCIDENTS_TOKEN", api.token(api.account("op-1", "operator")))
    whole: Any = api.asgi_app

    async def older(scope: Any, receive: Any, send: Any) -> None:
        scope = scope | {"path": scope["path"].replace("/alarms", "/nothing")}
        await whole(scope, receive, send)

    api.asgi_app = older  # type: ignore[assignment]
    with serving(api) as server:
        assert main(["alarms", "--server", server]) == FAILED
    told = capsys.readouterr().err
    assert "cannot do this (GET /alarms): it runs an older version than this program" in told


@pytest.mark.parametrize("path", ["/", "/api/v1", "/api/v1/"])
def test_the_address_that_serve_prints_of_its_api_is_taken_too(
    api: Rig, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INCIDENTS_TOKEN", api.token(api.account("op-1", "operator")))
    with serving(api) as server:
        assert main(["queue", "--server", f"{server}{path}"]) == DONE


@pytest.mark.parametrize("server", [
    "https://[::1", "https://desk.host.example:port", "https://", "desk.host.example",
    "https://li:secret@desk.host.example", "https://desk.host.example/?x=1", "https://a b",
    "https://desk\u2028.example", "https://desk.host.example:99999", "https://\u00ad",
    "http://desk.host.example", "http://192.0.2.1",
])  # fmt: skip
def test_an_address_that_is_none_is_wrong_usage(
    server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["queue", "--server", server]) == MISUSED
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "secret" not in told


@pytest.mark.parametrize("token", ["inc_secret\ninc_other", "inc_sécret", "inc_secret\x00"])
def test_what_cannot_be_a_token_is_not_sent_and_not_shown(
    token: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("incidents.settings.layers.Layers.token", lambda _: token)
        assert main(["queue", "--server", "https://desk.host.example"]) == MISUSED
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "cret" not in told


@pytest.mark.parametrize("key", ["k" * 151, "ключ"])
def test_a_key_that_cannot_go_over_a_server_is_wrong_usage(
    key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["log", "shop.example", "--key", key, "--server", "https://desk.host.example"]
    assert main(line) == MISUSED
    assert "over a server a key can have at most 150 characters" in capsys.readouterr().err


@pytest.mark.parametrize("server", ["http://127.0.0.1:7390", "http://[::1]", "http://localhost"])
def test_this_machine_is_asked_by_plain_http(server: str) -> None:
    assert http.checked_address(f"{server}/") == server


def test_a_certificate_is_believed_only_of_an_authority_of_this_machine(
    api: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INCIDENTS_TOKEN", api.token(api.account("op-1", "operator")))
    file = tmp_path / "server.pem"
    file.write_bytes(_certificate())
    with serving(api, certificate=file) as server:
        assert server.startswith("https://")
        assert main(["queue", "--server", server]) == FAILED
        told = capsys.readouterr().err
        assert "this machine does not trust its certificate: self-signed certificate" in told
        assert told.count("\n") == 1
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        assert main(["queue", "--server", server]) == DONE
        assert main(["queue", "--server", server.replace("127.0.0.1", "localhost")]) == FAILED
        assert "localhost" in capsys.readouterr().err


def _certificate() -> bytes:
    """A certificate of 127.0.0.1, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "desk")])
    now = clock.now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.public_bytes(pem) + secret
