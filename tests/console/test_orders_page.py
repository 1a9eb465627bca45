"""The orders' pages: what is not carried out, what becomes of it, and how sites really stand."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest

from incidents import clock, views
from incidents.console.pages import orders
from incidents.desk.resumption import ENTRIES_LOST, Resumption, resume
from incidents.enforcement import comparison, routing
from incidents.enforcement.routing import Routing
from incidents.machine import commands as c
from incidents.machine.command import DAEMON
from incidents.store import monitoring
from incidents.store.database.engine import writing
from incidents.store.log import lineage
from incidents.store.monitoring import Heartbeat
from tests.conftest import WriteSettings
from tests.enforcement.left_rig import Panel
from tests.served_desk import HOSTILE, ConsoleDesk, Visitor

SITE = "shop.example"


@pytest.fixture
def desk(desk: ConsoleDesk) -> ConsoleDesk:
    """Two sites that are to be held: the order of the first is given up, the other's waits."""
    ago = timedelta(minutes=10)
    for site in (SITE, "other.example"):
        desk.do(site, c.AddSite(by="li"), ago=ago)
        desk.do(site, c.SetHold(by="wang", reason="letter 17"), ago=ago)
    give_up(desk)
    return desk


def give_up(desk: ConsoleDesk) -> None:
    failed = c.RecordFailure(
        order=2, lane="act", adapter="panel", attempts=9, problem="http_503"
    )  # fmt: skip
    desk.do(SITE, failed)


def state(desk: ConsoleDesk, id_: str) -> str:
    with desk.app.reading() as connection:
        unsettled = views.unsettled(connection, clock.now())
    return next((str(each["state"]) for each in unsettled if each["id"] == id_), "settled")


def seen(desk: ConsoleDesk, site: str = SITE) -> dict[str, str]:
    with desk.app.reading() as connection:
        return {"seen": str(views.site(connection, site, clock.now())["seq"])}


def test_what_is_given_up_comes_first_then_what_is_late(desk: ConsoleDesk) -> None:
    page = Visitor(desk, "viewer").get("/orders").text
    assert page.index('id="o-1-o2"') < page.index('id="o-2-o2"')
    assert "Dead letters, not retried automatically: 1" in page
    assert "Orders to external systems, not carried out for five minutes or more: 1" in page
    assert "Listed: 4, held back or given up: 1, late: 1<" in page
    assert '<span class="state late">late</span>' in page
    assert "<b>http_503</b>" in page


def test_what_the_brake_holds_is_released_on_its_page(desk: ConsoleDesk) -> None:
    site = "third.example"
    desk.do(site, c.AddSite(by="li"))
    desk.do(site, c.StateFalse(by="wang", field="phone", evidence="rings elsewhere"))
    braked = c.RecordFailure(order=2, lane="act", adapter="brake", attempts=0, problem="braked")
    desk.do(site, braked)
    wang = Visitor(desk, "wang")
    assert 'href="/orders/3-o2"' in wang.get("/").text
    listed = wang.get("/orders", braked="1").text
    assert "Held back for a supervisor: 1" in listed
    assert 'id="o-1-o2"' not in listed
    assert 'action="/orders/3-o2/release"' in wang.get("/orders/3-o2").text
    assert wang.post("/orders/3-o2/release", seen(desk, site)).status_code == 303
    assert state(desk, "3-o2") == "waiting"


def test_the_list_is_of_one_site_or_of_what_is_given_up(desk: ConsoleDesk) -> None:
    viewer = Visitor(desk, "viewer")
    assert 'id="o-1-o2"' not in viewer.get("/orders", site="Other.Example").text
    assert 'id="o-2-o2"' not in viewer.get("/orders", dead="1").text
    late = viewer.get("/orders", late="1").text
    assert 'id="o-2-o2"' in late
    assert late.count('<li class="item order') == 1
    assert viewer.get("/orders", site="no name").status_code == 422


@pytest.mark.both_databases
def test_orders_are_walked_page_by_page_through_all_their_states(
    desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer, row = Visitor(desk, "viewer"), re.compile(r'<li class="item order[^"]*" id="o-([^"]+)"')
    whole = row.findall(viewer.get("/orders").text)
    assert whole == ["1-o2", "2-o2", "1-o2.notice", "2-o2.notice"]
    assert row.findall(viewer.get("/orders", lane="notice", state="waiting").text) == whole[2:]
    for size in (1, 2, 3):
        monkeypatch.setattr(orders, "PAGE", size)
        page, found = viewer.get("/orders").text, []
        while True:
            found += row.findall(page)
            if not (more := re.findall(r'rel="next" href="([^"]+)"', page)):
                break
            page = viewer.get(unescape(more[0])).text
        assert found == whole, size
    assert viewer.get("/orders", state="lost").status_code == 422
    assert viewer.get("/orders", after="bm8gYg").status_code == 422


def test_red_lines_and_the_site_lead_to_the_orders(desk: ConsoleDesk) -> None:
    viewer = Visitor(desk, "viewer")
    queue = viewer.get("/").text
    assert 'href="/orders/1-o2"' in queue
    assert 'href="/orders?dead=1"' in queue
    assert 'href="/orders?late=1"' in queue
    assert f'href="/orders?site={SITE}"' in viewer.get(f"/sites/{SITE}").text


def test_a_dead_letter_is_tried_again_once_and_the_story_tells_it(desk: ConsoleDesk) -> None:
    wang = Visitor(desk, "supervisor")
    assert 'id="why-cancel"' not in wang.get("/orders/1-o2").text
    assert wang.post("/orders/1-o2/retry", seen(desk)).status_code == 303
    assert state(desk, "1-o2") == "waiting"
    again = wang.post("/orders/1-o2/retry", seen(desk))
    assert again.status_code == 409
    assert "1-o2 is not a dead letter" in again.text
    assert "Retrying now: suspend shop.example" in wang.get("/orders/1-o2").text


def test_an_order_is_cancelled_with_a_reason_and_not_without(desk: ConsoleDesk) -> None:
    desk.do(SITE, c.LiftHold(by="wang", reason="withdrawn"))
    wang = Visitor(desk, "supervisor")
    assert wang.post("/orders/1-o2/cancel", seen(desk)).status_code == 409
    assert state(desk, "1-o2") == "dead"
    done = wang.post("/orders/1-o2/cancel", {"reason": HOSTILE, **seen(desk)})
    assert done.status_code == 303
    assert state(desk, "1-o2") == "settled"
    page = wang.get("/orders/1-o2").text
    assert '<span class="state cancelled">cancelled</span>' in page
    assert HOSTILE not in page


def test_what_was_decided_on_an_old_page_is_not_done(desk: ConsoleDesk) -> None:
    wang, before = Visitor(desk, "supervisor"), seen(desk)
    desk.do(SITE, c.EditSite(by="li", person="x"))
    assert wang.post("/orders/1-o2/retry", before).status_code == 409
    assert state(desk, "1-o2") == "dead"


def test_who_may_not_steer_orders_sees_no_button_for_it_and_is_refused(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "operator")
    assert "/orders/1-o2/" not in li.get("/orders/1-o2").text
    assert "/orders/reconcile" not in li.get("/orders").text
    assert li.post("/orders/reconcile").status_code == 403


def test_an_order_that_is_none_has_no_page(desk: ConsoleDesk) -> None:
    viewer = Visitor(desk, "viewer")
    for path in ("/orders/9-o9", "/orders/1-o99", "/orders/x", "/orders/1-o1"):
        assert viewer.get(path).status_code == 404, path


PANEL = """[acts]
adapter = "panel"
[acts.panel]
type = "exec"
command = ["/bin/true"]
state_command = ["/bin/echo", "active"]
"""


def test_sites_are_compared_a_few_at_a_time_and_what_differs_is_ordered_again(
    desk: ConsoleDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "MAX_SITES", 1)
    (tmp_path / "config.toml").write_text(PANEL)
    wang = Visitor(desk, "supervisor")
    first = wang.get(wang.post("/orders/reconcile").headers["location"]).text
    assert "Not checked yet: 1." in first
    assert '<input type="hidden" name="after" value="other.example">' in first
    sent = wang.post("/orders/reconcile", {"after": "other.example", "repair": "1"})
    second = wang.get(sent.headers["location"]).text
    assert f'href="/sites/{SITE}"' in second
    assert "ordered again" in second
    assert "Not checked yet" not in second
    # What somebody has compared is theirs.
    assert "Compared:" not in Visitor(desk, "viewer").get(sent.headers["location"]).text


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", ("No channel is set in", "no channel is set")),
        ("zh", ("没有设置渠道", "没有设置渠道")),
    ],
)
def test_a_notice_that_waits_for_a_channel_says_which_setting_sets_one(
    desk: ConsoleDesk, write_settings: WriteSettings, language: str, told: tuple[str, str]
) -> None:
    li = Visitor(desk, "viewer", language=language)
    pages = ("/orders?site=other.example", "/orders/2-o2.notice")
    for page, words in zip(pages, told, strict=True):
        text = li.get(page).text
        # Once, however many orders wait for it, and none of these is called overdue.
        assert text.count(words) == 1
        assert "[notices] channels" in text
        assert 'href="/admin/settings"' not in text.partition("<main")[2]
    assert "data-ticks" not in li.get(pages[0], lane="notice").text.partition("<main")[2]
    admin = Visitor(desk, "administrator", language=language).get(pages[0]).text
    assert 'href="/admin/settings"' in admin.partition("<main")[2]
    write_settings("unknown = 1")
    for page, words in zip(pages, told, strict=True):
        assert words in li.get(page).text


def test_a_notice_that_has_a_channel_waits_for_no_setting(
    desk: ConsoleDesk, write_settings: WriteSettings
) -> None:
    write_settings('[notices]\nchannels = ["mail"]\n')
    for page in ("/orders?site=other.example", "/orders/2-o2.notice"):
        assert "no channel is set" not in Visitor(desk, "viewer").get(page).text


def test_what_was_only_logged_is_nowhere_told_as_carried_out(desk: ConsoleDesk) -> None:
    logged = c.RecordDelivery(order=2, lane="act", adapter="log", attempts=1, enforced=False)
    desk.do("other.example", logged)
    wang = Visitor(desk, "supervisor")
    queue = wang.get("/").text
    assert "ONLY LOGGED, NOT ENFORCED, because no adapter is set:" in queue
    assert '<a href="/orders/2-o2">2-o2</a>' in queue
    page = wang.get("/orders/2-o2").text
    assert '<span class="state only_logged">only logged</span>' in page
    assert "carried out" not in page.partition('id="acts"')[0]
    assert (
        "The order was only logged. Set an adapter under [acts]"
        in wang.get("/sites/other.example").text
    )
    sent = wang.post("/orders/reconcile", {"site": "other.example", "repair": "1"})
    compared = wang.get(sent.headers["location"]).text
    assert (
        "ordered again without effect: no adapter is set under [acts] in the settings" in compared
    )


def test_an_adapter_that_is_set_up_wrongly_is_named(desk: ConsoleDesk, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(PANEL.replace("exec", "exce"))
    wang = Visitor(desk, "supervisor")
    sent = wang.post("/orders/reconcile")
    assert sent.headers["location"] == "/orders"
    assert "section [acts.panel] of the settings file" in wang.get("/orders").text


def test_an_adapter_that_fails_when_it_is_asked_is_named(
    desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = Panel()
    panel.bad = {SITE}
    monkeypatch.setattr(routing, "load", lambda: Routing(default=panel))
    wang = Visitor(desk, "supervisor")
    sent = wang.post("/orders/reconcile", {"site": SITE})
    assert sent.headers["location"] == "/orders"
    assert "panel: adapter fault: OSError" in wang.get("/orders").text


@pytest.mark.parametrize(
    ("language", "left", "again"),
    [
        ("en", "SITES LEFT DOWN: 1 (0 suspended, 1 closed). <a", "Taken down again: <a"),
        ("zh", "保持停用的网站：1 个（暂停 0 个，关闭 1 个）。 <a", "已重新停用： <a"),
    ],
)
def test_after_a_loss_the_queue_names_what_is_left_down_and_what_was_taken_down_again(
    desk: ConsoleDesk, language: str, left: str, again: str
) -> None:
    desk.do("left.example", c.AddSite(by="li"))
    lost = Resumption(cause=ENTRIES_LOST, had=99)
    desk.app.desk.on_record(lambda connection: resume(connection, lost, clock.now))
    down = c.RecordState(by=DAEMON, adapter="panel", seen="closed", in_force="active", last_act=0)
    desk.do("left.example", down)
    desk.do(SITE, c.RepeatOrder(by=DAEMON))
    viewer = Visitor(desk, "viewer", language)

    page = " ".join(viewer.get("/").text.split())

    assert f'{left} href="/sites/left.example"' in page
    assert f'{again} href="/sites/{SITE}"' in page
    [told] = [line for line in page.split("</li>") if "left.example" in line]
    assert "incidents recover" in told
    assert f'<span class="state closed">{"closed" if language == "en" else "已关闭"}</span>' in told
    assert (
        "If a rule closed a site, record the reason again"
        if language == "en"
        else "依相应规则再次关闭"
    ) in told
    story = viewer.get("/sites/left.example").text
    assert ("Record the reason again" if language == "en" else "请重新登记关闭原因") in story

    wang, reason = Visitor(desk, "wang", language), {"reason": "by order of a court"}
    wang.post("/sites/left.example/hold", reason)
    answer = wang.post("/sites/left.example/unhold", reason)
    if answer.status_code == 303:
        answer = wang.get(answer.headers["location"])
    closed = (
        "is actually closed and the reason might have" if language == "en" else "实际处于关闭状态"
    )
    assert closed in answer.text


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en", "SITES WHOSE ACTUAL STATE IS NOT CHECKED: 1, since"),
        ("zh", "无法与实际状态核对的网站：1 个，始于"),
    ],
)
def test_it_names_what_could_not_be_compared_and_why(
    desk: ConsoleDesk, language: str, says: str
) -> None:
    lost = Resumption(cause=ENTRIES_LOST, had=99)
    desk.app.desk.on_record(lambda connection: resume(connection, lost, clock.now))
    comparison.record_failures(desk.app.engine, {SITE: "panel: adapter fault: OSError"})

    page = " ".join(Visitor(desk, "viewer", language).get("/").text.split())

    [told] = [line for line in page.split("</li>") if says in line]
    assert f'<a href="/sites/{SITE}"><bdi>{SITE}</bdi></a>' in told
    assert "panel: adapter fault: OSError" in told


@pytest.mark.parametrize(
    ("language", "halted", "unread", "beside"),
    [
        ("en", "The database lost its latest entries a second time",
         "NO ORDERS ARE BEING CARRIED OUT. Detected at",
         "THE DAEMON h-1 IS NOT CARRYING OUT ORDERS"),
        ("zh", "数据库末尾再次丢失", "所有指令已停止执行，发现于",
         "守护进程 h-1 已停止执行任何指令"),
    ],
)  # fmt: skip
def test_the_queue_says_why_nothing_is_carried_out(
    desk: ConsoleDesk, language: str, halted: str, unread: str, beside: str
) -> None:
    viewer = Visitor(desk, "viewer", language)

    def daemon(name: str, why: str | None) -> None:
        now = clock.now()
        beat = Heartbeat(daemon=name, host=name, pid=1, started_at=now, beat_at=now)
        with writing(desk.app.engine) as connection:
            monitoring.beat(connection, beat)
            monitoring.record_mark(connection, name, why, now)

    daemon("h-1", "the mark <m> cannot be read")
    page = viewer.get("/").text
    assert unread in page
    assert "the mark &lt;m&gt; cannot be read" in page
    daemon("h-2", None)
    assert beside in viewer.get("/").text
    with writing(desk.app.engine) as connection:
        lineage.halt(connection, clock.now(), lineage.LOST_AGAIN)
    assert halted in viewer.get("/").text


def test_a_hold_says_that_nothing_is_carried_out(desk: ConsoleDesk) -> None:
    desk.do("up.example", c.AddSite(by="li"))
    wang = Visitor(desk, "wang")
    with writing(desk.app.engine) as connection:
        lineage.halt(connection, clock.now(), lineage.LOST_AGAIN)

    page = wang.post("/sites/up.example/hold", {"reason": "by order of a court"})
    page = wang.get(page.headers["location"]) if page.status_code == 303 else page

    assert "NOT DOWN YET" in page.text
