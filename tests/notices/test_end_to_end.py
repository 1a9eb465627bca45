"""End to end: what happens at a real desk arrives as mail, by the settings alone."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from incidents.enforcement.port import Delivered, Skipped
from incidents.machine import commands as c
from incidents.notices import lanes
from incidents.settings.sources import Settings, load
from incidents.store.database.engine import create, reading
from tests.notices.mail_server import HOST, Mailbox, body, server
from tests.notices.test_record import carried_out, orders_of
from tests.views.day import day as beginning

SETTINGS = """
[notices]
channels = ["mail"]
desk_name = "示例主机"
desk_phone = "+86 10 5555 0100"

[notices.mail]
type = "smtp"
host = "{host}"
port = {port}
security = "none"
sender = "desk@host.example"

[alarms]
channels = ["mail"]

[alarms.mail]
to = ["operators@host.example"]
"""


class StubApp:
    """A database, and the settings of a run."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def settings(self) -> Settings:
        return load(environ={})

    def reading(self) -> AbstractContextManager[Connection]:
        return reading(self._engine)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


def test_a_day_of_violations_is_written_to_the_customer_and_to_the_desk(
    db_url: str, mailbox: Mailbox, tmp_path: Path
) -> None:
    # A frozen clock would stop a real server: the day is over when the letters go out.
    with beginning(db_url) as day:
        day.add(person="张三", email="zhang@shop.example").miss()
        carried_out(day, "suspend")
        day.after("12h1s").elapse()
        carried_out(day, "reopen")
        day.log().log().do(c.StateRemoved(by="li", incident=3))
        kinds = ("notify", "suspend", "reopen", "close")
        notices = {kind: orders_of(day, kind) for kind in kinds}
        calls = orders_of(day, "call", "desk")
    config = tmp_path / "config.toml"
    environ = {"INCIDENTS_CONFIG": str(config)}
    engine = create(db_url)
    with server(mailbox) as port:
        config.write_text(SETTINGS.format(host=HOST, port=port), encoding="utf-8")
        to_customer = lanes.customer_lane(StubApp(engine), environ=environ)
        to_desk = lanes.desk_lane(StubApp(engine), environ=environ)
        for kind in kinds:
            assert to_customer.deliver(notices[kind][0]) == Delivered()
        assert to_desk.deliver(calls[0]) == Delivered()
        assert to_customer.deliver(notices["notify"][2]) == Skipped(why="settled")
    engine.dispose()
    subjects = [mail["Subject"].partition(" / ")[0] for mail in mailbox.mails]
    assert subjects == [
        "违规信息通知：shop.example（编号 1-1）",
        "网站暂停访问通知：shop.example（编号 1-1）",
        f"网站恢复访问通知：shop.example（编号 {_name(mailbox, 2)}）",
        f"网站关闭通知：shop.example（编号 {_name(mailbox, 3)}）",
        "请致电告知网站已关闭：shop.example（1-t2）",
    ]
    to = [mail["To"].addresses[0].addr_spec for mail in mailbox.mails]
    assert to == ["zhang@shop.example"] * 4 + ["operators@host.example"]
    closed = body(mailbox.mails[3], "plain")
    assert "24 小时内出现 3 次及以上违规信息" in closed
    assert "关闭条款：不提供售后服务，不予退款。" in closed


def _name(mailbox: Mailbox, n: int) -> str:
    """The order's, as the Message-ID has it."""
    return str(mailbox.mails[n]["Message-ID"]).partition(".")[0].removeprefix("<")
