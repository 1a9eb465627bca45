"""The data of the tour: the demonstration's month, with something for each page to show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection

from incidents import clock, views
from incidents.accounts import secrets
from incidents.app import App
from incidents.demo import sample, scenario
from incidents.desk import Envelope, factors, invitations, tokens
from incidents.desk.own_stream import Actor
from incidents.machine import commands as c
from incidents.notices import customer_link
from incidents.settings import sources
from incidents.store.accounts.factors import TOTP
from incidents.testing import rehearsal
from incidents.values import site_name
from incidents.values.ids import read_incident_id
from scripts import a_month
from scripts.pictures.tour_steps import Facts

PASSWORD = "a horse and a battery"  # noqa: S105 - of accounts that live as long as the script
_WITH_APP = "supervisor-2"
_APP_SECRET = "JBSWY3DPEHPK3PXP"  # noqa: S105 - of that person's app
_BOOKS = site_name.read("书店.example")
_SETTINGS = """
[notices]
desk_name = "示例主机"
desk_phone = "+86 10 5555 0100"
desk_mail = "desk@host.example"
[customer]
base_url = "https://desk.host.example"
secret = "0123456789abcdef0123456789abcdef"
"""
_FILED = {
    "subject_kind": "company", "subject_name": "示例商贸有限公司", "subject_number": "123",
    "responsible_name": "王芳", "responsible_phone": "13333333333", "support_phone": "110",
    "service_type": "forum", "level": "3", "nature": "commercial", "hosting": "managed",
    "ip": "203.0.113.9", "contract_ip": "203.0.113.7", "opened_on": "2026-02-10",
    "icp_licence": "粤B2-20090059",
    "server.main": '{"city":"北京","province":"北京"}',
    "document.contract": '{"expires_on":"2026-03-10","kind":"access_contract"}',
}  # fmt: skip


@contextmanager
def played() -> Iterator[tuple[App, Facts]]:
    """Play the data in a database of the block; yield its desk, and the facts for addresses."""
    with TemporaryDirectory() as folder:
        a_month.play(Path(folder), more=True, settings=_SETTINGS)
        with rehearsal(scenario.END):
            app = App(sources.load())
            try:
                yield app, _fill(app)
            finally:
                app.close()


def _fill(app: App) -> Facts:
    changed = c.ChangeFiling(by="operator-1", details=tuple(_FILED.items()))
    [answer] = app.desk.submit([Envelope(site=_BOOKS, command=changed, login="desk")])
    assert answer.refusal is None, answer.refusal
    invitation = app.desk.on_record(lambda connection: _people(connection, app))
    with app.reading() as connection:
        items = views.queue(connection, clock.now(), limit=100)["items"]
    call = next(each for each in items if each["site"] == _BOOKS and each["incident"])
    incident = call["incident"]
    assert incident is not None
    links = customer_link.load_links()
    assert links is not None
    key = read_incident_id(incident)
    assert key is not None
    token = customer_link.sign_token(key, clock.now() + customer_link.VALID_FOR, links.secrets[0])
    return {
        "password": PASSWORD, "with_app": _WITH_APP, "invitation": invitation,
        "incident": incident, "call": call["id"],
        "task": next(each["id"] for each in items if "t" in each["id"]),
        "held": next(each["id"] for each in items if each["claimed_by"] == "operator-2"),
        "long": site_name.read(scenario.LONG), "customer": f"/{customer_link.PATH}/{token}",
    }  # fmt: skip


def _people(connection: Connection, app: App) -> str:
    """The people, with a token, an authenticator app and an invitation; the invitation's secret."""
    now, seal = clock.now, app.seal
    sample.add_people(connection, clock.now(), "desk", PASSWORD)
    by = Actor(person=sample.ADMINISTRATOR, login="session", signed_in=True)
    secret = secrets.random_secret()
    tokens.make_token(connection, by, "operator-2", secret, now, days=90, seal=seal)
    own = Actor(person=_WITH_APP, login="session", signed_in=True)
    new = factors.blank(_WITH_APP, TOTP, "phone", now)._replace(secret=_APP_SECRET)
    factors.add(connection, own, new, now, seal=seal)
    secret = secrets.random_secret()
    invitations.invite(connection, by, "operator-3", "operator", now, secret=secret, seal=seal)
    return secret
