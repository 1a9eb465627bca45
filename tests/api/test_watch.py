"""What watches: a trial of the alarms, who enforces the clock, notices, and the security.txt."""

from __future__ import annotations

from datetime import timedelta

import pytest
from freezegun import freeze_time

from incidents.accounts import access_settings
from incidents.api.endpoints.watch import SECURITY_TXT
from incidents.errors import SettingError
from incidents.views import orders
from tests.api.desk import fill
from tests.api.rig import Rig, rig
from tests.conftest import WriteSettings


def test_a_trial_says_of_each_channel_whether_it_took_it(
    api: Rig, write_settings: WriteSettings
) -> None:
    supervisor = api.client("supervisor")
    assert supervisor.post("/api/v1/alarms/test").json() == {"items": []}
    write_settings(
        '[notices]\ndesk_name = "Example Hosting"\ndesk_phone = "+86 10 5555 0100"\n'
        '[notices.mail]\ntype = "smtp"\nhost = "127.0.0.1"\nport = 1\nsecurity = "none"\n'
        'sender = "desk@host.example"\ntimeout = "2s"\n'
        '[alarms]\nchannels = ["mail"]\n[alarms.mail]\nto = ["li@host.example"]\n'
    )
    answer = supervisor.post("/api/v1/alarms/test")
    assert answer.status_code == 200, answer.text
    [tried] = answer.json()["items"]
    assert (tried["channel"], tried["took"]) == ("mail", False)
    assert tried["problem"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("", [*["[notices] channels"] * 3, "[alarms] channels"]),
        ('[notices]\nchannels = ["mail"]\n[alarms]\nchannels = ["mail"]\n', [None] * 4),
    ],
)
def test_where_no_channel_is_set_each_look_says_which_setting_sets_one(
    api: Rig,
    write_settings: WriteSettings,
    monkeypatch: pytest.MonkeyPatch,
    settings: str,
    expected: list[str | None],
) -> None:
    fill(api)
    # As five minutes later.
    monkeypatch.setattr(orders, "LATE_AFTER", timedelta(0))
    viewer = api.client("viewer")
    write_settings(settings)

    def told() -> list[str | None]:
        listed = viewer.get("/api/v1/orders?site=closed.example").json()["items"]
        [notice] = [each for each in listed if each["lane"] == "notice"][:1]
        [closed, *_] = [
            each for each in viewer.get("/api/v1/notices").json()["items"]
            if each["notice"] == "closed"
        ]  # fmt: skip
        looks = [notice, viewer.get(f"/api/v1/orders/{notice['id']}").json(), closed]
        looks.append(viewer.get("/api/v1/alarms").json())
        return [each.get("unset") for each in looks]

    assert told() == expected
    for edited in ("this is no TOML", "unknown = 1"):
        write_settings(edited)
        assert told() == expected, "the settings file is read once"


@pytest.mark.parametrize("text", ["this is no TOML", "unknown = 1"])
def test_orders_and_notices_are_shown_though_the_settings_file_cannot_be_read(
    api: Rig, write_settings: WriteSettings, text: str
) -> None:
    fill(api)
    viewer = api.client("viewer")
    write_settings(text)
    for path in ("orders", "orders/1-o2.notice", "notices"):
        answer = viewer.get(f"/api/v1/{path}")
        assert answer.status_code == 200, answer.text
        assert "unset" not in answer.text


def test_it_is_told_that_nothing_enforces_the_clock(api: Rig) -> None:
    told = api.client("viewer").get("/api/v1/enforcement").json()
    assert (told["beating"], told["enforced_by"], told["daemons"]) == (False, None, [])


def test_a_notice_of_what_was_ordered_of_a_site_goes_on_record_as_revealed(api: Rig) -> None:
    fill(api)
    path = "/api/v1/notices/closed/preview"
    asked = f"{path}?site=closed.example"
    [letter] = api.client("operator").get(f"{asked}&language=en").json()["items"]
    assert "closed.example" in letter["text"]
    [told] = api.entries("details_revealed")
    assert told["data"]["about"] == "closed.example"
    assert api.client("viewer").get(asked).status_code == 403
    both = api.client("operator").get(f"{asked}&incident=1-1")
    assert both.status_code == 422


def test_who_finds_a_weakness_is_told_whom_to_write_to(
    db_url: str, write_settings: WriteSettings
) -> None:
    with rig(db_url) as unnamed:
        assert unnamed.nobody().get(SECURITY_TXT).status_code == 404
    write_settings(
        '[serve]\nsecurity_contact = ["mailto:security@host.example", "https://host.example/w"]\n'
    )
    with rig(db_url) as named, freeze_time("2026-03-01 10:00:00.5"):
        told = named.nobody().get(SECURITY_TXT)
        assert named.nobody().post(SECURITY_TXT).status_code == 405
    assert (told.status_code, told.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert told.text == (
        "Contact: mailto:security@host.example\r\nContact: https://host.example/w\r\n"
        "Expires: 2026-08-28T10:00:00Z\r\nPreferred-Languages: zh, en\r\n"
    )


@pytest.mark.parametrize("contact", [
    '"security@host.example"', '"http://host.example/"', '"mailto:a@b.example\\nExpires: x"', "7",
])  # fmt: skip
def test_whom_to_write_to_is_an_address_that_the_rfc_knows(
    contact: str, write_settings: WriteSettings
) -> None:
    write_settings(f"[serve]\nsecurity_contact = [{contact}]\n")
    with pytest.raises(SettingError, match="security_contact"):
        access_settings.serve()
