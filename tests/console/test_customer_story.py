"""The whole story: a violation, a mail with a link, a statement, a task; and the clock goes on."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from incidents.enforcement.port import Delivered, Order
from incidents.machine import commands as c
from incidents.notices import customer_link, lanes
from incidents.store.schema.log_tables import orders
from incidents.values.ids import order_id
from tests.console.customers import CUSTOMER, LINKS, OFFICE, Customers
from tests.notices import mail_server
from tests.notices.mail_server import Mailbox
from tests.served_desk import open_desk, serving

SITE = "shop.example"


def _settings(port: int) -> str:
    return (
        f'[notices]\n{OFFICE}channels = ["mail"]\n[notices.mail]\ntype = "smtp"\nport = {port}\n'
        f'host = "127.0.0.1"\nsecurity = "none"\nsender = "desk@host.example"\n{CUSTOMER}'
    )


def _notice(served: Customers) -> Order:
    with served.app.reading() as connection:
        row: Any = connection.execute(select(orders).where(orders.c.kind == "notify")).one()
    return Order(
        id=order_id(row.site_id, row.site_seq, "notice"), kind=row.kind, lane="notice", site=SITE,
        site_id=row.site_id, seq=row.site_seq, ordered_at=row.created_at,
        incident=row.data["incident"],
    )  # fmt: skip


@pytest.mark.both_databases
def test_from_the_violation_to_the_suspension(db_url: str, tmp_path: Path) -> None:
    mailbox = Mailbox()
    with (
        mail_server.server(mailbox) as port,
        open_desk(db_url, tmp_path, _settings(port), as_=Customers) as served,
        serving(served),
    ):
        # A violation is logged, and the customer is written to: with the link, twice the same.
        served.do(SITE, c.AddSite(by="operator-1", person="张三", email="zhang@shop.example"))
        served.do(SITE, c.Log(by="operator-1", urls=("https://shop.example/a",)))
        lane = lanes.customer_lane(served.app, link=customer_link.load_notice_link())
        notice = _notice(served)
        assert lane.deliver(notice) == lane.deliver(replace(notice, attempt=2)) == Delivered()
        [link], [again] = (_links(mail) for mail in mailbox.mails)
        assert link == again
        html = mail_server.body(mailbox.mails[0], "html")
        assert f'<a href="{link}">{link}</a>' in html
        # They open it, and say that the content is gone.
        at = urlsplit(link).path
        assert "须在" in served.ask(at).text
        assert served.post(at, b"remark=%E5%B7%B2%E5%88%A0%E9%99%A4").status == 200
        # The desk has a task, and the clock goes on.
        items = served.items((1, 1))
        told = "The customer reports the content removed: “已删除”."
        assert items["1-t1"]["say"].startswith(told)
        assert 3_500 < (items["1-1"]["left_s"] or 0) <= 3_600
        # Nobody is reached: until the deadline nothing happens, and after it the site goes down.
        served.pass_time(timedelta(minutes=30))
        assert _states(served) == ("open", "active")
        served.pass_time(timedelta(minutes=30))
        assert _states(served) == ("unreached", "suspended")
        shown = served.ask(at).text
        for told in ("已收到说明", "该网站目前已暂停访问，预计于", "请网站负责人尽快致电"):
            assert told in shown


def _links(mail: Any) -> set[str]:
    text = mail_server.body(mail, "plain")
    found = re.findall(rf"{re.escape(LINKS.base_url)}/c/[a-z0-9.-]+", text)
    assert len(found) == 2, "one in each language"
    return set(found)


def _states(served: Customers) -> tuple[str, str]:
    return served.incident((1, 1))["state"], served.site(SITE)["state"]
