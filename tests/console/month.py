"""A month at a desk, for the pages that count and draw it."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from incidents.machine import commands as c
from tests.served_desk import HOSTILE, ConsoleDesk

_LONG = "违反互联网信息内容管理规定并且名称特别特别长的一个类别" * 3
_CATEGORIES = (
    "赌博", "gambling", _LONG, HOSTILE, "色情", "phishing", "malware", "谣言", "drugs", None,
)  # fmt: skip


def a_month(desk: ConsoleDesk) -> None:
    """Thirty days, up to a moment ago."""
    random, ago = Random(1), timedelta(days=29)
    logged = {f"s{n}.example": 0 for n in range(8)}
    for name in (*logged, "often.example", "late.example"):
        desk.do(name, c.AddSite(by="li"), ago=ago)
    for _ in range(3):
        desk.do("often.example", c.Log(by="li"), ago=ago)
    while ago > timedelta(hours=8):
        name = random.choice(list(logged))
        command = c.Log(by=random.choice(["li", "wang"]), category=random.choice(_CATEGORIES))
        desk.do(name, command, ago=ago)
        logged[name] += 1
        if random.random() < 0.8:
            ago -= timedelta(seconds=random.randint(30, 3_500))
            reached = c.RecordContact(by="li", incident=logged[name], outcome="reached")
            desk.do(name, reached, ago=ago)
        ago -= timedelta(seconds=random.randint(300, 60_000))
        desk.elapse(ago=ago)
    desk.do("late.example", c.Log(by="li"), ago=ago)
    desk.elapse(ago=ago - timedelta(seconds=3_607))
