"""The page of the settings' health: a row for each part, its state, and a test where there is one.

Settings are read from their file, and changed there; no secret is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from incidents import views
from incidents.app import App
from incidents.audit.log import status
from incidents.console import factor_step, messages, rendering
from incidents.console.flash import Flash
from incidents.console.pages.admin import health_tests
from incidents.console.rendering import Reader
from incidents.console.request_context import RequestContext, needs, signed_in_context
from incidents.console.submission import Submitted
from incidents.contract.documents.enforcement import Enforcement
from incidents.contract.documents.record import LogProgress
from incidents.daemon import settings_check
from incidents.enforcement import routing
from incidents.errors import IncidentsError
from incidents.inbox import imap
from incidents.machine.orders import DESK, NOTICE
from incidents.notices import notice_settings

router = APIRouter()

PAGE = "/admin/settings"
RIGHT = "try_alarms"

_DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}

OK, WARNING, FAILED, OFF = "ok", "warning", "failed", "off"
"""The states of a part: works; needs attention; does not work; not set up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A part: its kind, its name, its state, since when (RFC 3339), and what to do about it.

    `test`: the name of the test that there is for it.
    """

    part: str
    state: str
    name: str = ""
    since: str | None = None
    to_do: str = ""
    test: str | None = None


def _manager(here: Annotated[RequestContext, Depends(signed_in_context)]) -> RequestContext:
    here.needs(RIGHT)
    return here


Manager = Annotated[RequestContext, Depends(_manager)]


@router.get(PAGE)
def show(here: Manager) -> Response:
    """Show the state of each part."""
    with here.timed() as (connection, timed):
        now = timed.reader.now
        enforcement = views.enforcement(connection, now)
        log = status.progress(connection, now)
    rows = [
        Row(
            part="database",
            state=OK,
            name=_DATABASES[here.app.engine.dialect.name],
            test="database",
        ),
        _settings(here.app, timed.reader),
        *_daemons(enforcement, timed.reader),
        _log(log, timed.reader),
        *_witnesses(here.app, log, timed.reader),
        *_lanes(timed.reader),
        *_mailbox(),
        _security_keys(timed),
    ]
    return timed.page("admin/health", rows=rows)


@router.post(f"{PAGE}/test/{{part}}", dependencies=needs(RIGHT))
def test(desk: Submitted, part: str) -> Response:
    """Test a part, as the command line does, and say what came of it."""
    desk.authorise(RIGHT)
    tried = health_tests.TESTS.get(part)
    if tried is None:
        return desk.back(PAGE)
    desk.take_quota()
    try:
        return desk.back(PAGE, tried(desk, desk.form.text("name") or ""))
    except IncidentsError as error:
        return desk.back(PAGE, Flash("refused", messages.error_text(desk.reader, error)))


def _settings(app: App, reader: Reader) -> Row:
    try:
        settings_check.check(app)
    except IncidentsError as error:
        to_do = messages.error_text(reader, error)
        return Row(part="settings", state=FAILED, to_do=to_do, test="settings")
    return Row(part="settings", state=OK, test="settings")


def _security_keys(here: RequestContext) -> Row:
    host = factor_step.other_key_host(here)
    to_do = "" if host is None else here.reader.say("health.security_keys", host=host)
    return Row(part="security_keys", state=OFF if to_do else OK, to_do=to_do)


def _daemons(found: Enforcement, reader: Reader) -> Iterator[Row]:
    for each in found["daemons"]:
        why = each["standing_aside"] or each["mark_unread"] or each.get("mailbox_unread")
        state = WARNING if why else OK if each["beating"] else FAILED
        to_do = "" if state == OK else why or reader.say("health.daemon.silent")
        since = each["started_at"] if each["beating"] else each["last_beat"]
        yield Row(
            part="daemon", name=each["daemon"], state=state, since=since, to_do=to_do,
            test="daemon",
        )  # fmt: skip
    if not found["daemons"]:
        by_cron = found["enforced_by"] == "once"
        yield Row(
            part="daemon", state=OK if by_cron else FAILED, since=found["last_once"],
            to_do="" if by_cron else reader.say("health.daemon.none"),
        )  # fmt: skip


def _log(found: LogProgress, reader: Reader) -> Row:
    if found["key"] is None:
        return Row(part="log", state=OFF, to_do=reader.say("health.log.no_key"))
    trouble = found["trouble"] is not None or found["late"]
    return Row(
        part="log", state=FAILED if trouble else OK,
        since=found["trouble_since"] or found["pending_since"] if trouble else found["signed_at"],
        to_do=_unsigned(found, reader) if trouble else "",
        test="log",
    )  # fmt: skip


def _unsigned(found: LogProgress, reader: Reader) -> str:
    told = reader.say("health.log.unsigned", n=found["pending"])
    if found["signed_at"] is None:
        return told
    last = reader.say("health.log.signed", at=datetime.fromisoformat(found["signed_at"]))
    return rendering.joined((last, told))


def _witnesses(app: App, log: LogProgress, reader: Reader) -> Iterator[Row]:
    try:
        named = status.load_settings(app.settings).witnesses
    except IncidentsError:
        # The row of the settings says what is wrong with them.
        return
    seen = {each["witness"]: each for each in log["witnesses"]}
    for each in named:
        last = seen.get(str(each.key))
        yield Row(
            part="witness", name=each.key.name, state=FAILED if last is None else OK,
            since=None if last is None else last["at"],
            to_do=reader.say("health.witness.silent") if last is None else "", test="witness",
        )  # fmt: skip
    if not named:
        yield Row(part="witness", state=OFF, to_do=reader.say("health.witness.none"))


def _mailbox() -> Iterator[Row]:
    try:
        found = imap.account()
    except IncidentsError:
        # The row of the settings says what is wrong with them.
        return
    if found is not None:
        yield Row(part="mailbox", name=found.host, state=OK, test="mailbox")


def _lanes(reader: Reader) -> Iterator[Row]:
    """The adapters that carry out orders, and the channels to customers and to the desk."""
    try:
        found = routing.load()
        try:
            names = [each.name for each in found.adapters]
            enforces = found.enforces
        finally:
            found.close()
    except IncidentsError as error:
        yield Row(part="adapter", state=FAILED, to_do=messages.error_text(reader, error))
    else:
        for name in names:
            state = OK if enforces else OFF
            to_do = "" if enforces else reader.say("health.adapter.none")
            yield Row(part="adapter", name=name, state=state, to_do=to_do, test="adapter")
    unset = notice_settings.lanes_without_channel()
    for lane in (NOTICE, DESK):
        is_set = lane not in unset
        # Nobody is woken without a channel to the desk; customers may be written to by hand.
        without = (
            ("health.channel.no_alarm", WARNING) if lane == DESK else ("health.channel.none", OFF)
        )
        yield Row(
            part=f"channel_{lane}", state=OK if is_set else without[1],
            to_do="" if is_set else reader.say(without[0], setting=unset[lane]),
            test="channels" if is_set and lane == DESK else None,
        )  # fmt: skip
