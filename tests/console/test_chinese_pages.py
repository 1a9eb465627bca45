"""The console's pages in Chinese: whatever a site has gone through, no English sentence is left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from freezegun import freeze_time

from incidents.machine import commands as c
from incidents.machine.policy import read_duration
from tests.console.customers import Parts
from tests.served_desk import ConsoleDesk, Visitor

ATTEMPTS = "[unreachable]\nmin_attempts = 1\n[refusal]\nremoval_within = '2h'\n"
ENGLISH = re.compile(r"[A-Za-z]{2,}(?:[ ,]+[A-Za-z]{2,})+")
# What is typed at a terminal, and what a program is called.
TYPED = re.compile(
    r"incidents (?:daemon|acts|policy|audit)[ a-z-]*|--\w+ [\w.-]+|JSON Lines|GMT|UTC"
)


class Shift:
    """A desk whose clock the test moves, and sites that go through what a test says."""

    def __init__(self, desk: ConsoleDesk, frozen: Any) -> None:
        self.desk, self._frozen = desk, frozen
        self.sites: list[str] = []

    def site(self, name: str, *commands: c.Command | str) -> None:
        """A new site, with these acts on it; a text is how long nothing is done but what is due."""
        site = f"{name}.example"
        self.sites.append(site)
        for command in (c.AddSite(by="li", person="张三", phone="+86 10 5555 0100"), *commands):
            if isinstance(command, str):
                self._frozen.tick(read_duration(command))
                self.desk.elapse()
            else:
                self.desk.do(site, command)

    def after(self, duration: str) -> None:
        self._frozen.tick(read_duration(duration))


@pytest.fixture
def shift(desk: ConsoleDesk) -> Iterator[Shift]:
    with freeze_time("2026-03-01T02:00:00Z", ignore=["_pytest"]) as frozen:
        yield Shift(desk, frozen)


LOG = c.Log(by="li", urls=("https://shop.example/a",), category="赌博", note="很多", again=True)
REACHED, NOBODY = (
    c.RecordContact(by="li", incident=1, outcome=outcome, note="前台")
    for outcome in ("reached", "no-answer")
)
MISS = (LOG, "1h1s")
HOLD = c.SetHold(by="wang", reason="公安来函")
VOID = c.VoidIncident(by="li", incident=1, reason="误记")
FALSE = c.StateFalse(by="li", field="phone", evidence="空号")
FILED = {
    "filed-well": {
        "subject_kind": "person", "subject_name": "张三", "responsible_phone": "13800138000",
        "service_type": "blog", "level": "2", "nature": "non_commercial", "hosting": "cloud_server",
        "opened_on": "2026-02-01", "filed_on": "2026-02-10", "approved_on": "2026-02-20",
        "icp_number": "京ICP备12345678号-1",
        "public_security_number": "京公网安备 11010502000001号",
        "server.main": '{"city":"北京","count":"1","ip":"203.0.113.7","province":"北京"}',
        "document.contract": '{"expires_on":"2026-03-10","kind":"access_contract"}',
    },
    "filed-badly": {
        "subject_kind": "company", "subject_number": "123", "responsible_number": "x",
        "responsible_phone": "13333333333", "responsible_email": "a@shop.example",
        "support_phone": "110", "access_phone": "12", "service_type": "forum", "level": "3",
        "nature": "commercial", "hosting": "managed", "ip": "203.0.113.9",
        "contract_ip": "203.0.113.7", "resolved_ip": "203.0.113.8", "reported_ip": "203.0.113.7",
        "office_code": "119999",
        "opened_on": "2026-01-10", "filed_on": "2026-01-09", "icp_licence": "粤B2-20090059",
        "public_security_number": "京公网安备 44030502000001号",
        "server.main": '{"city":"北京","province":"北京"}',
        "document.old": '{"expires_on":"2026-01-10","kind":"other"}',
    },
    "filed-late": {"opened_on": "2026-01-10", "subject_kind": "person", "support_kind": "company"},
}  # fmt: skip
ASK = c.AskReinstatement(by="li", reason="已整改")


def through_everything(shift: Shift) -> None:
    """Sites in every state that the rules and people bring about, and the way there."""
    shift.site("repeat", LOG, LOG, LOG, LOG)
    shift.site("disputed", LOG, LOG, LOG, VOID)
    shift.site("upheld", LOG, LOG, LOG, VOID, c.Uphold(by="wang", reason="两次也够"))
    shift.site("asked", LOG, LOG, LOG, ASK)
    shift.site("declined", FALSE, ASK, c.Decline(by="wang", reason="尚未整改"))
    shift.site("reinstated", FALSE, ASK, c.Approve(by="wang"), LOG)
    shift.site("closed-held", FALSE, HOLD)
    two = "[closure]\ntwo_people = true\n"
    shift.desk.app.desk.activate(two, by="wang", login=None, reason="双人")
    shift.site("to-be-closed", FALSE)
    shift.site("to-be-refused", LOG, REACHED, c.StateRefused(by="li", incident=1))
    shift.site("not-closed", FALSE, c.DeclineClosure(by="wang", reason="号码无误"))
    shift.site("closed-by-two", FALSE, c.ConfirmClosure(by="wang"))
    shift.desk.app.desk.activate("", by="wang", login=None, reason="单人")
    shift.site("refused", LOG, NOBODY, REACHED, c.StateRefused(by="li", incident=1))
    shift.site("taken-back", LOG, REACHED, c.StateRemoved(by="li", incident=1),
               c.TakeBack(by="li", incident=1, reason="记错"))  # fmt: skip
    shift.site("voided-contact", LOG, REACHED,
               c.VoidContact(by="li", incident=1, contact=1, reason="记错"),
               c.RecordContact(by="li", incident=1, outcome="reached"),
               c.VoidContact(by="li", incident=1, contact=2, reason="又记错"))  # fmt: skip
    shift.site("reported", LOG, c.StateReported(by="li", incident=1, note="回执 7 号"),
               c.SayRemoved(by=c.CUSTOMER, incident=1, note="已经删了"),
               c.ClaimItem(by="li", item="1"), c.ReleaseItem(by="li", item="1"),
               c.RevokeLinks(by="li", incident=1))  # fmt: skip
    shift.site("run", *MISS, "13h", *MISS, "13h", *MISS)
    shift.site("two-misses", *MISS, "13h", *MISS, "13h", LOG)
    shift.site("struck", *MISS, VOID)
    shift.site("once-down", *MISS, "13h", c.Recur(by="li", incident=1),
               c.CompleteTask(by="li", task=1, outcome="still-there"))  # fmt: skip
    shift.site("down", LOG, NOBODY, "1h1s")
    shift.site("down-twice", LOG, "30m", LOG, "1h1s")
    shift.site("down-held", *MISS, HOLD)
    shift.site("held", HOLD)
    shift.site("edited", c.EditSite(by="li", email="wang@shop.example"), HOLD,
               c.LiftHold(by="wang", reason="公安来函"))  # fmt: skip
    for name, details in FILED.items():
        change = c.ChangeFiling(by="li", details=tuple(details.items()))
        seen = c.RecordFooter(problems=("icon_missing",))
        shift.site(name, change, c.Remind(on="2026-03-01"), seen)
    policy = shift.desk.app.desk
    policy.activate(ATTEMPTS, by="wang", login=None, reason="试行")
    shift.site("spared", *MISS)
    shift.site("not-deleted", LOG, REACHED, "2h1s")
    shift.site("to-be-deleted", LOG, REACHED)
    shift.site("calling", LOG)
    shift.site("overdue", LOG, NOBODY)
    shift.after("1h5m")


def english_in(text: str) -> list[str]:
    """The English that is seen on a page, names of sites and what is typed or copied aside."""
    seen = " | ".join(Parts.of(re.sub(r"<pre.*?</pre>", "", text, flags=re.DOTALL)).seen)
    plain = re.sub(r"https?://\S+|[\w-]+\.example|sha256:\w+|English|Asia/Shanghai", "", seen)
    return ENGLISH.findall(TYPED.sub("", plain))


def test_no_english_sentence_is_left_on_a_page_in_chinese(shift: Shift) -> None:
    through_everything(shift)
    wang = Visitor(shift.desk, "supervisor", "zh")
    pages = [f"/sites/{site}?whole=1" for site in shift.sites]
    pages += [f"/incidents/{n}-1" for n in range(1, len(shift.sites) + 1)]
    pages += [
        "/",
        "/queue/list",
        "/sites",
        "/log",
        "/overview",
        "/simulate",
        "/policy",
        "/audit",
        "/unreported",
        "/no",
    ]
    pages += [f"/sites/{name}.example/filing" for name in (*FILED, "repeat")]
    pages += ["/terms", "/terms?days=7", "/sites/none.example/filing"]
    pages += ["/sites/a b", "/sites/none.example", "/incidents/x", "/incidents/99-9"]
    left = {}
    for page in pages:
        answer = wang.get(page)
        assert answer.status_code in (200, 404), page
        left[page] = english_in(answer.text)
    assert {page: words for page, words in left.items() if words} == {}


REFUSED = [
    ("/sites/shop.example/hold", {"reason": ""}),
    ("/sites/shop.example/hold", {"reason": "\x00"}),
    ("/sites/shop.example/hold", {"reason": "很" * 4_001}),
    ("/sites/shop.example/unhold", {"reason": "公安来函"}),
    ("/sites/shop.example/approve", {}),
    ("/sites/shop.example/uphold", {"reason": "维持"}),
    ("/sites/shop.example/reinstate", {"reason": "已整改"}),
    ("/sites/shop.example/contact", {"outcome": "reached", "at": "yesterday"}),
    ("/sites/shop.example/contact", {"outcome": "reached", "at": "3999-01-01 00:00"}),
    ("/sites/shop.example/contact", {"outcome": "reached", "at": "2026-02-01 10:00"}),
    ("/sites/shop.example/contact", {"outcome": "reached", "at": "2026-03-02 10:00"}),
    ("/sites/shop.example/contact", {"outcome": "shouted"}),
    ("/sites/shop.example/false-info", {"field": "phone", "evidence": "空号"}),
    ("/incidents/1-1/take-back", {"reason": "记错"}),
    ("/incidents/1-1/refused", {"confirm": "shop.example"}),
    ("/incidents/1-1/void-contact", {"reason": "记错", "contact": "1-1-9"}),
    ("/incidents/1-1/void-contact", {"reason": "记错", "contact": "none"}),
    ("/sites/shop.example/filing/details", {"section": "days", "opened_on": "1.3.2026"}),
    ("/sites/shop.example/filing/details", {"section": "days", "opened_on": "2999-01-01"}),
    ("/sites/shop.example/filing/details", {"section": "site", "level_reason": "很" * 4_001}),
    ("/sites/shop.example/filing/details", {"section": "site", "icp_number": "1" * 65}),
    ("/sites/shop.example/filing/details", {"section": "site", "registrar": "\x07"}),
    ("/sites/shop.example/filing/details", {"section": "site", "was.level": "2", "level": "3"}),
    ("/sites/shop.example/filing/details", {"section": "none"}),
    ("/sites/shop.example/filing/server", {"label": "Main", "new": "1", "city": "北京"}),
    ("/sites/shop.example/filing/server", {"label": "main", "new": "1"}),
    ("/sites/shop.example/filing/document", {"label": "a", "new": "1", "kind": "x" * 500}),
    ("/sites/shop.example/filing/preset", {"preset": "none"}),
    ("/log", {"step": "log", "site": "https://shop.example/"}),
    ("/log", {"step": "log", "site": "a..b"}),
    ("/log", {"step": "log", "site": "xn--a.example"}),
    ("/log", {"step": "log", "site": "shpo.example"}),
    ("/log", {"step": "log", "site": "nobody.test"}),
    ("/log", {"step": "log", "site": "shop.example", "urls": "ftp://shop.example/"}),
    ("/log", {"step": "log", "site": "shop.example", "urls": "https://a..b/"}),
    ("/log", {"step": "log", "site": "shop.example", "urls": "https://shop.example/a"}),
]


def test_what_is_refused_is_refused_in_chinese(shift: Shift) -> None:
    shift.site("shop", LOG)
    wang, left = Visitor(shift.desk, "supervisor", "zh"), []
    for path, fields in REFUSED:
        answer = wang.post(path, {"seen": "2", **fields})
        assert answer.status_code in (404, 409), (path, fields)
        [told] = re.findall(r'<p class="said refused"[^>]*>(.*?)</p>|<h1>(.*?)</h1>', answer.text)[
            :1
        ]
        assert re.search("[一-鿿]{2}", "".join(told)), (path, fields, told)
        left += [(path, fields, words) for words in english_in(answer.text)]
    assert left == []


def test_an_item_that_is_claimed_can_be_put_back_and_not_let_through(shift: Shift) -> None:
    chen = shift.desk.have_account("supervisor")
    shift.site("claimed", LOG, c.ClaimItem(by=chen, item="1"))
    queue = Visitor(shift.desk, "supervisor", "zh").get("/", item="1-1").text
    assert re.findall(r'<button data-key="u"[^>]*>(.*?) <kbd', queue) == ["放回"]
