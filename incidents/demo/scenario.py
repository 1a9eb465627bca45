"""The day before the present moment, and the morning at which somebody looks at the desk.

Its times are those of one day in the desk's zone, and are moved to the moment at which it ends.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from incidents.demo import filings
from incidents.demo.schedule import Schedule
from incidents.machine import commands as c
from incidents.values import inputs, site_name

END = datetime.fromisoformat("2026-03-03T10:10:00+08:00")
"""The time of the scenario at which the desk is looked at."""

LONG = "spring-promotions-and-seasonal-discounts.outlet-store-of-the-north.example"

Person = tuple[str, str, str | None]
"""Whom to call about a site, with a number and an address of nobody."""

_PEOPLE: dict[str, Person] = {
    "书店.example": ("王芳", "+86 10 5555 0101", "wang@书店.example"),
    "club.example": ("张伟", "+86 10 5555 0102", None),
    "wiki.example": ("Li Na", "+86 10 5555 0103", None),
    "mail.example": ("Zhao Min", "+86 10 5555 0104", "zhao@mail.example"),
    "bücher.example": ("Jonas Meyer", "+49 30 5555 0105", None),
    LONG: ("Anna-Maria Schmidt-Oberhofer", "+86 10 5555 0106", None),
}
_MORNING = f"""
03-02 10:20  书店.example    log https://书店.example/a gambling
03-02 10:31  书店.example    contact no-answer
03-02 13:00  club.example    log https://club.example/odds gambling
03-02 15:10  wiki.example    log https://wiki.example/login phishing
03-02 15:20  wiki.example    contact reached
03-02 18:40  wiki.example    log https://wiki.example/pay phishing
03-02 18:52  wiki.example    contact reached
03-02 20:05  wiki.example    log https://wiki.example/bank phishing
03-03 03:02  club.example    log https://club.example/poker gambling
03-03 08:36  书店.example    log https://书店.example/casino gambling
03-03 08:41  书店.example    contact no-answer
03-03 09:12  书店.example    contact left-message 请前台转告
03-03 09:17  {LONG}  log https://{LONG}/pills drugs
03-03 09:31  {LONG}  contact no-answer
03-03 09:40  bücher.example  log https://bücher.example/x gambling
03-03 09:44  mail.example    log https://mail.example/login phishing
03-03 09:49  mail.example    contact reached
03-03 09:58  wiki.example    void 1 not a violation on review
03-03 10:08  bücher.example  claim 1
"""

# In the demonstration more happens soon, so that a visitor sees it happen.
_MORE_PEOPLE: dict[str, Person] = {
    "棋牌.example": ("陈静", "+86 10 5555 0107", None),
    "茶馆.example": ("刘洋", "+86 10 5555 0108", "liu@茶馆.example"),
    "花店.example": ("赵敏", "+86 10 5555 0109", None),
    "lotto.example": ("Sun Lei", "+86 10 5555 0110", None),
    "wallet.example": ("Wu Jie", "+86 10 5555 0111", "wu@wallet.example"),
    "archive.example": ("Zhou Ting", "+86 10 5555 0112", None),
}
_MORE = """
02-26 10:00  archive.example  supervisor-2: hold the police asked for it by letter
02-27 14:00  lotto.example    log https://lotto.example/draw gambling
02-27 14:08  lotto.example    contact reached
02-27 15:30  lotto.example    refused 1
02-27 16:00  lotto.example    reported 1
02-28 11:20  wallet.example   log https://wallet.example/seed phishing
02-28 11:26  wallet.example   contact wrong-number
02-28 12:05  wallet.example   reported 1
02-28 12:10  wallet.example   removed 1
02-28 11:40  wallet.example   supervisor-2: false phone the number belongs to somebody else
03-01 10:00  棋牌.example     log https://棋牌.example/room1 gambling
03-01 10:22  棋牌.example     contact no-answer
03-01 14:10  棋牌.example     reported 1
03-02 05:00  棋牌.example     log https://棋牌.example/room2 gambling
03-02 05:31  棋牌.example     contact no-answer
03-02 09:15  棋牌.example     reported 2
03-02 18:30  棋牌.example     removed 1
03-02 18:31  棋牌.example     removed 2
03-02 22:20  茶馆.example     log https://茶馆.example/login phishing
03-02 22:41  茶馆.example     contact no-answer
03-03 08:50  lotto.example    supervisor-2: reinstate the domain was sold, and the page is gone
03-03 09:55  花店.example     log https://花店.example/pay fraud
03-03 10:02  花店.example     contact no-answer
03-03 10:08  棋牌.example     log https://棋牌.example/room3 gambling
"""

_ReadStep = Callable[[str, str], c.Command]


def _log(by: str, rest: str) -> c.Command:
    url, category = rest.split()
    read = inputs.urls([url])
    return c.Log(by=by, urls=read.urls, written=read.written, category=category)


def _contact(by: str, rest: str) -> c.Command:
    outcome, _, note = rest.partition(" ")
    return c.RecordContact(by=by, incident=None, outcome=outcome, note=note or None)


def _void(by: str, rest: str) -> c.Command:
    n, _, reason = rest.partition(" ")
    return c.VoidIncident(by=by, incident=int(n), reason=reason)


def _false(by: str, rest: str) -> c.Command:
    field, _, evidence = rest.partition(" ")
    return c.StateFalse(by=by, field=field, evidence=evidence)


_STEPS: dict[str, _ReadStep] = {
    "log": _log,
    "contact": _contact,
    "void": _void,
    "false": _false,
    "claim": lambda _, rest: c.ClaimItem(by="operator-2", item=rest),
    "reported": lambda by, rest: c.StateReported(by=by, incident=int(rest)),
    "removed": lambda by, rest: c.StateRemoved(by=by, incident=int(rest)),
    "refused": lambda by, rest: c.StateRefused(by=by, incident=int(rest)),
    "hold": lambda by, rest: c.SetHold(by=by, reason=rest),
    "reinstate": lambda by, rest: c.AskReinstatement(by=by, reason=rest),
}


def write(schedule: Schedule, end: datetime, *, more: bool) -> None:
    """Write the scenario into a schedule, so that it ends at `end`.

    `more`: also what soon falls due, and filings.
    """
    lines = sorted(filter(None, (_MORNING + (_MORE if more else "")).split("\n")))
    people = _PEOPLE | (_MORE_PEOPLE if more else {})
    for name, (person, phone, email) in people.items():
        add = c.AddSite(by="operator-1", person=person, phone=phone, email=email)
        schedule.act(_moment(lines[0], end), site_name.read(name), add)
    if more:
        filings.write(schedule, _moment(lines[0], end), end.astimezone(END.tzinfo))
    for line in lines:
        _, site, step = (part.strip() for part in line.split("  ", 2))
        schedule.act(_moment(line, end), site_name.read(site), _command(step))


def _moment(line: str, end: datetime) -> datetime:
    told = datetime.fromisoformat(f"{END.year}-{line.partition('  ')[0]}")
    return told.replace(tzinfo=END.tzinfo) + (end - END)


def _command(step: str) -> c.Command:
    who, colon, rest = step.partition(": ")
    by, rest = (who, rest) if colon and who.startswith("supervisor") else ("operator-1", step)
    verb, _, rest = rest.partition(" ")
    return _STEPS[verb](by, rest)
