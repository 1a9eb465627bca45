"""The tests of the settings' parts: each asks a part's counterpart, and says what came of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import datetime

from incidents import clock, views
from incidents.api.limits import TRYING
from incidents.audit.log import status, witnesses
from incidents.console.flash import Flash
from incidents.console.submission import Submission
from incidents.daemon import settings_check
from incidents.enforcement import routing
from incidents.enforcement.port import Adapter
from incidents.inbox import imap
from incidents.machine.orders import DESK
from incidents.notices import notice_settings, trial
from incidents.store.cases import sites
from incidents.store.log import checkpoints
from incidents.tlog import note
from incidents.tlog.keys import VerifierKey

Test = Callable[[Submission, str], Flash]
"""A test of the part of that name; it raises IncidentsError if the part does not work."""


def _database(desk: Submission, _: str) -> Flash:
    desk.request.app.state.readiness.check()
    return _done(desk, "database")


def _settings(desk: Submission, _: str) -> Flash:
    settings_check.check(desk.app)
    return _done(desk, "settings")


def _daemon(desk: Submission, name: str) -> Flash:
    with desk.timed(latest=True) as (connection, here):
        now = here.reader.now
        found = views.enforcement(connection, now)["daemons"]
    for each in found:
        if each["daemon"] != name:
            continue
        seen_s = round((now - datetime.fromisoformat(each["last_beat"])).total_seconds())
        why = each["standing_aside"] or each["mark_unread"]
        if why:
            return _failed(desk, "daemon_aside", name=name, why=why)
        if not each["beating"]:
            return _failed(desk, "daemon_silent", name=name, ago_s=seen_s)
        if unread := each.get("mailbox_unread"):
            return _failed(desk, "daemon_mailbox", name=name, why=unread)
        return _done(desk, "daemon", name=name, ago_s=max(0, seen_s))
    return _failed(desk, "gone", name=name)


def _log(desk: Submission, _: str) -> Flash:
    """Check the signature of the last checkpoint by the key that is on record."""
    with desk.reading() as connection:
        last, key = checkpoints.last(connection), checkpoints.active(connection)
    if last is None or key is None:
        return _failed(desk, "log_unsigned")
    note.verified_keys(note.parse(last.note), [VerifierKey.parse(key)])
    return _done(desk, "log", n=last.size)


def _witness(desk: Submission, name: str) -> Flash:
    """Have the witness countersign the last checkpoint again."""
    named = status.load_settings(desk.app.settings).witnesses
    for each in named:
        if each.key.name == name:
            with TRYING.taken():
                size = witnesses.try_last(desk.app.engine, each)
            if size is None:
                return _failed(desk, "log_unsigned")
            return _done(desk, "witness", name=name, n=size)
    return _failed(desk, "gone", name=name)


def _adapter(desk: Submission, name: str) -> Flash:
    """Ask the live system behind the adapter for the state of one of its sites."""
    with desk.reading() as connection:
        names, _ = sites.mismatched(connection, every=True, most=_SITES)
    found = routing.load()
    try:
        own = next((each for each in found.adapters if each.name == name), None)
        if own is None:
            return _failed(desk, "gone", name=name)
        routing.check_requirement(own)
        site = next((each for each in names if found.adapter_for(each) is own), None)
        with TRYING.taken():
            return _asked(desk, own, site, enforces=found.enforces)
    finally:
        found.close()


_SITES = 500
"""How many sites are looked through for one of the adapter's."""


def _asked(desk: Submission, adapter: Adapter, site: str | None, *, enforces: bool) -> Flash:
    if not enforces:
        return _failed(desk, "adapter_logs", name=adapter.name)
    if site is None:
        return _done(desk, "adapter_no_site", name=adapter.name)
    state = adapter.state(site)
    if state is None:
        return _failed(desk, "adapter_silent", name=adapter.name, site=site)
    told = desk.reader.word("state", state)
    return _done(desk, "adapter", name=adapter.name, site=site, state=told)


def _channels(desk: Submission, _: str) -> Flash:
    outlets = notice_settings.desk_settings(desk.app.settings.zone)
    with TRYING.taken():
        found = list(trial.send(outlets, clock.now(), desk.reader.when))
    failed = [
        f"{each['channel']}: {each['problem']} {each['detail'] or ''}".rstrip()
        for each in found
        if not each["took"]
    ]
    if not found:
        unset = notice_settings.lanes_without_channel()[DESK]
        return Flash("refused", desk.reader.say("health.channel.none", setting=unset))
    if failed:
        return _failed(desk, "failed", what="; ".join(failed))
    return _done(desk, "channels", n=len(found))


def _mailbox(desk: Submission, name: str) -> Flash:
    """Log in, and count the mails that wait; none is read."""
    account = imap.account()
    if account is None:
        return _failed(desk, "gone", name=name)
    with TRYING.taken(), closing(imap.Mailbox(account)) as mailbox:
        return _done(desk, "mailbox", name=account.host, n=mailbox.select())


def _done(desk: Submission, what: str, **facts: object) -> Flash:
    return Flash("done", desk.reader.say(f"health.tested.{what}", **facts))


def _failed(desk: Submission, reason: str, /, **facts: object) -> Flash:
    return Flash("refused", desk.reader.say(f"health.tested.{reason}", **facts))


TESTS: dict[str, Test] = {
    "database": _database,
    "settings": _settings,
    "daemon": _daemon,
    "log": _log,
    "witness": _witness,
    "adapter": _adapter,
    "channels": _channels,
    "mailbox": _mailbox,
}
