"""The record: its entries from a position on, whatever is written meanwhile, and exports."""

from __future__ import annotations

import json
from typing import Any

import pytest

from incidents import clock
from incidents.accounts.authenticator import Authenticator
from incidents.accounts.serve_key import Seal, key_digest
from incidents.api.endpoints import record
from incidents.api.limits import AsyncBatcher
from incidents.audit import export
from incidents.desk import Envelope
from incidents.errors import DatabaseError
from incidents.machine import commands as c
from incidents.store.accounts.accounts import ServeKey, add_serve_key
from incidents.store.database import readiness
from incidents.store.database.revision import head
from tests.api.desk import NOTE, fill
from tests.api.rig import Rig
from tests.patience import until
from tests.statements import sent
from tests.store.migrations import move


def read(api: Rig, after: int = 0, **more: Any) -> list[dict[str, Any]]:
    answer = api.client("auditor").get("/api/v1/entries", params={"after": after, **more})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


@pytest.mark.both_databases
def test_who_goes_on_from_the_last_position_misses_nothing_and_sees_nothing_twice(
    api: Rig,
) -> None:
    fill(api)
    first = read(api, limit=3)
    assert [line["position"] for line in first] == [1, 2, 3]
    rest = read(api, after=3)
    api.app.desk.submit([Envelope(site="shop.example", command=c.Log(by="li"))])
    new = read(api, after=rest[-1]["position"])
    positions = [line["position"] for line in (*first, *rest, *new)]
    assert positions == list(range(1, len(positions) + 1))
    assert new[-1]["entry"]["kind"] == "incident_logged"
    assert read(api, after=positions[-1]) == []
    assert read(api, after=10**15) == []


def test_an_entry_stands_in_the_stream_to_the_byte_as_it_is_stored(api: Rig) -> None:
    fill(api)
    text = api.client("auditor").get("/api/v1/entries").text
    with api.app.reading() as connection:
        bodies = list(connection.exec_driver_sql("SELECT body FROM entries").scalars())
    assert all(f'"entry":{body}}}\n' in text for body in bodies)
    assert NOTE not in text


@pytest.mark.both_databases
def test_a_long_stream_is_read_in_parts_that_each_end_their_transaction(
    api: Rig, monkeypatch: Any
) -> None:
    fill(api)
    monkeypatch.setattr(record, "AT_ONCE", 2)
    with sent(api.app.engine) as statements:
        found = read(api)
    asked = [each for each, _ in statements if "leaf_index" in each and "body" in each]
    assert len(asked) == len(found) // 2 + 1


@pytest.mark.both_databases
@pytest.mark.parametrize("write", [export.jsonl, export.write_csv])
def test_who_takes_an_export_slowly_keeps_no_connection_from_others(api: Rig, write: Any) -> None:
    fill(api)
    taken = export.buffered(api.app.reading, export.Selection(), write)
    first = next(taken)
    assert api.app.engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # of its pools, ours
    with api.app.reading() as connection:
        whole = b"".join(write(export.stored(connection, export.Selection())))
    assert first + b"".join(taken) == whole


def test_an_export_is_a_download_of_the_entries_as_they_are_stored(api: Rig) -> None:
    fill(api)
    auditor = api.client("auditor")
    whole = auditor.get("/api/v1/export")
    assert whole.headers["content-disposition"] == 'attachment; filename="incidents.jsonl"'
    one = auditor.get("/api/v1/export", params={"site": "shop.example"}).text.splitlines()
    assert {json.loads(line)["site"] for line in one} == {"shop.example"}
    assert len(one) < len(whole.text.splitlines())
    table = auditor.get("/api/v1/export", params={"format": "csv"})
    assert table.text.startswith("site,site_id,")
    later = {"since": "2020-01-02T00:00:00Z", "until": "2020-01-01T00:00:00Z"}
    assert auditor.get("/api/v1/export", params=later).status_code == 422
    assert auditor.get("/api/v1/export", params={"site": "no.example"}).status_code == 404


def test_the_watch_says_that_all_is_well_and_what_a_prometheus_asks(api: Rig) -> None:
    nobody = api.nobody()
    for path in ("/healthz", "/readyz"):
        assert nobody.get(path).json() == {"status": "ok"}
    assert nobody.get("/metrics").status_code == 401
    text = api.client("viewer").get("/metrics").text
    assert "incidents_up 1.0" in text


@pytest.mark.both_databases
def test_a_database_of_another_schema_is_not_ready(api: Rig) -> None:
    with api.app.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    answer = api.nobody().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:incidents:problem:database"
    assert api.nobody().get("/healthz").status_code == 200


def test_a_standby_is_ready_for_reading_alone(api: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise DatabaseError("this server is a standby")

    monkeypatch.setattr(readiness, "writing", refuse)
    assert api.nobody().get("/readyz").status_code == 503
    assert api.nobody().get("/readyz?reading=true").status_code == 200


@pytest.mark.both_databases
def test_a_server_that_the_schema_left_behind_does_nothing_more(api: Rig) -> None:
    operator = api.client("operator")
    assert operator.post("/api/v1/sites", json={"site": "one.example"}).status_code == 201
    with api.app.engine.begin() as connection:
        move(connection, "9998", oldest=head())
    assert api.nobody().get("/readyz").status_code == 200
    assert operator.post("/api/v1/sites", json={"site": "two.example"}).status_code == 201

    with api.app.engine.begin() as connection:
        move(connection, "9999", oldest="9999")
    answer = operator.post("/api/v1/sites", json={"site": "three.example"})
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:incidents:problem:database"
    assert operator.get("/api/v1/sites/three.example").status_code == 404
    ready = api.nobody()
    until(lambda: ready.get("/readyz").status_code == 503, "the server says that it is not ready")


@pytest.mark.both_databases
def test_a_server_whose_key_was_replaced_says_so_and_is_not_ready(api: Rig) -> None:
    program, person = api.client("viewer"), api.person("viewer")
    begun = ServeKey(1, key_digest(b"old"), clock.now())
    with api.app.engine.begin() as connection:
        add_serve_key(connection, begun)
    door = Authenticator(api.app.engine, clock.now, Seal(b"old", begun))
    api.asgi_app.state.authenticator, api.asgi_app.state.token_batch = (
        door,
        AsyncBatcher(door.by_tokens),
    )
    assert api.nobody().get("/readyz").status_code == 200
    with api.app.engine.begin() as connection:
        add_serve_key(connection, ServeKey(2, key_digest(b"new"), clock.now()))
    door._key._next_at = 0.0
    asked = [(program, "/api/v1/queue"), (person, "/api/v1/queue"), (api.nobody(), "/readyz")]
    for who, path in asked:
        answer = who.get(path)
        assert answer.status_code == 503, path
        assert answer.json()["type"] == "urn:incidents:problem:serve-key-replaced"
        assert "restart the server" in answer.json()["detail"]
        assert "Retry-After" not in answer.headers, "it does not pass by itself"
    assert api.nobody().get("/healthz").status_code == 200


def test_the_description_is_of_openapi_3_1_and_names_both_ways_in(api: Rig) -> None:
    document = api.nobody().get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert set(document["components"]["securitySchemes"]) == {"token", "session"}


@pytest.mark.long
def test_the_description_is_as_openapi_has_it(api: Rig) -> None:
    from openapi_spec_validator import validate

    validate(api.description)
