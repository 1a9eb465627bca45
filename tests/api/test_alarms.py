"""The alarms: a trial through each channel, who enforces the clock, and how a notice would read."""

from __future__ import annotations

from tests.api.desk import fill
from tests.api.rig import Rig
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
