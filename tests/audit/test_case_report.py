"""The report of a case: what it tells, from the entries alone, and what it never shows."""

import hashlib
import html
import re
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from incidents import views
from incidents.audit.export import Selection
from incidents.audit.proof import bundle_writer
from incidents.locale.words import TimeFormat, Wording
from incidents.machine import commands as c
from incidents.machine.policy import Policy
from incidents.store.database.engine import reading, writing
from incidents.views.case import case_report, case_words
from incidents.views.case.case_story import BrokenCaseError
from tests.audit import bundles
from tests.audit.bundles import LOG, WITNESS
from tests.audit.histories import Histories
from tests.audit.signed_log import CANARY, a_case, export, put_key, sign
from tests.desk.rehearsal import TEN, Rehearsal, rehearsal

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOSTILE = "<script>alert('\u202e')</script>"


def _told(day: Rehearsal) -> None:
    a_case(day)
    day.give(c.StateRemoved(by="li", incident=1, note=HOSTILE), "shop.example")
    sign(day, witnesses=[WITNESS])


@pytest.fixture
def day(db_url: str, histories: Histories) -> Iterator[Rehearsal]:
    """The day of `a_case`, with a word that is hostile, signed and witnessed."""
    with histories.after(_told, db_url) as day:
        yield day


def _page(day: Rehearsal, **order: Any) -> str:
    wanted = Selection(site_id=1, **{k: order.pop(k) for k in ("since", "until") if k in order})
    with reading(day.engine) as connection:
        return bundle_writer.report(connection, wanted, case_report.drawer(**order))


def _text(page: str) -> str:
    """What a reader sees, with single spaces."""
    body = page.partition("</style>")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


# ── what it tells ────────────────────────────────────────────────────────────────────────────────


def test_it_tells_what_was_only_logged_as_not_in_force(day: Rehearsal) -> None:
    day.give(c.SetHold(by="li", reason="letter 17"), "shop.example")
    with reading(day.engine) as connection:
        acts = [each for each in views.unsettled(connection, day.now) if each["lane"] == "act"]
    for each in acts:
        number = int(each["id"].rpartition("o")[2])
        logged = c.RecordDelivery(
            by="courier", order=number, lane="act", adapter="log", attempts=1, enforced=False
        )
        day.give(logged, each["site"])
    sign(day, witnesses=[WITNESS])
    assert "The order was only logged. Set an adapter under [acts]" in _text(_page(day))


def test_it_tells_when_things_happened_who_recorded_them_and_what_they_were(day: Rehearsal) -> None:
    text = _text(_page(day, zone=SHANGHAI))
    assert "time zone 时区 Asia/Shanghai" in text
    assert "2026-03-01 18:00 by 记录人 li (login desk1) 1-1 logged on shop.example" in text
    assert "[https://shop.example/1]" in text
    assert "by 记录人 张三 (login desk1) 1-2 logged on shop.example [gambling]" in text
    assert "recorded 记录 2026-03-01 19:00:00.000250 by 记录人 the clock" in text


def test_it_tells_the_rule_and_what_it_counted_and_compared(day: Rehearsal) -> None:
    text = _text(_page(day))
    assert "R2, unreachable Based on 1-1." in text
    assert (
        "The deadline was 2026-03-01 11:00; the decision came at 2026-03-01 11:00:00.000250,"
        " 250 µs later." in text
    )
    assert "R1, repeat Counted: 4, required by the rule: 4 (1-1, 1-2, 1-3, 1-4)." in text
    assert "is 14h10m and 250 µs; the policy allows at most 24h, both ends included." in text


def test_it_tells_how_the_entries_leave_the_site(day: Rehearsal) -> None:
    text = _text(_page(day))
    assert "Closed under R1: shop.example had 4 violations within 24 h." in text
    assert "1-4 completed the count." in text
    assert "Closed at 2026-03-02 00:10:00: no after-sales service, no refund." in text


def test_the_state_is_that_of_the_entries_whatever_the_tables_say(day: Rehearsal) -> None:
    before = _page(day)
    with writing(day.engine) as connection:
        connection.exec_driver_sql("UPDATE sites SET state = 'active', closure = NULL")
    day.later(days=30)
    assert _page(day) == before


def test_it_tells_each_policy_that_the_entries_name_the_last_one_first(day: Rehearsal) -> None:
    text = _text(_page(day))
    four, three = text.index("R1 repeat: 4 violations"), text.index("R1 repeat: 3 violations")
    assert "In force at the last entry." in text[:four]
    assert four < three
    assert "R1 重复违规：24 小时内违规达 4 次的，关闭网站。" in text
    assert "min_attempts = 0" in text


def test_each_entry_stands_with_its_place_in_the_log_and_its_hash(
    day: Rehearsal, tmp_path: Path
) -> None:
    export(day, tmp_path / "bundle", case_report.order(Selection(site_id=1)))
    files = bundles.read(tmp_path / "bundle")
    text = _text(files["report.html"].decode())
    indexes = sorted(int(Path(name).stem) for name in files if name.startswith("proofs/"))
    lines = files["entries.jsonl"].splitlines()
    for n, (index, line) in enumerate(zip(indexes, lines, strict=True), 1):
        digest = hashlib.sha256(b"\0" + line).hexdigest()
        assert (
            f"leaf 叶序号 {index} · line {n} of entries.jsonl · leaf hash 叶哈希 {digest}" in text
        )
    assert files["checkpoint"].decode().split("\n")[2] in text
    assert f"verify_export.py BUNDLE --key '{LOG.vkey}'" in text
    assert WITNESS.vkey in text


def test_the_commands_on_the_page_give_what_stands_below_them(
    day: Rehearsal, tmp_path: Path
) -> None:
    export(day, tmp_path / "bundle", case_report.order(Selection(site_id=1)))
    page = html.unescape((tmp_path / "bundle/report.html").read_text(encoding="utf-8"))
    found = re.search(r"<pre>(\(printf .*entries\.jsonl.*)\n(.*)</pre>", page)
    assert found is not None
    done = subprocess.run(
        ["bash", "-c", found[1]], cwd=tmp_path / "bundle", capture_output=True, check=True
    )
    assert done.stdout.decode().strip() == found[2]


def test_the_bundle_has_the_same_page(day: Rehearsal, tmp_path: Path) -> None:
    for words in (False, True):
        order = case_report.order(Selection(site_id=1), zone=SHANGHAI, with_words=words)
        export(day, tmp_path / str(words), order)
        page = (tmp_path / str(words) / "report.html").read_text(encoding="utf-8")
        assert page == _page(day, zone=SHANGHAI, with_words=words)


def test_a_part_that_begins_later_does_not_say_how_the_site_stands(day: Rehearsal) -> None:
    text = _text(_page(day, since=TEN + timedelta(hours=2)))
    assert "The site's first entries are not included, so its status is unknown." in text
    assert "Closed" not in text
    assert re.search(r"\d+; \d+ earlier entries are not included", text)


def test_a_part_that_ends_early_says_how_the_site_stood_then(day: Rehearsal) -> None:
    text = _text(_page(day, until=TEN + timedelta(hours=2)))
    assert "nobody reached the responsible person of shop.example in time." in text
    assert "Closed" not in text


def test_a_case_with_an_entry_missing_is_not_told(day: Rehearsal) -> None:
    with writing(day.engine) as connection:
        connection.exec_driver_sql("DELETE FROM entries WHERE site_id = 1 AND site_seq = 3")
    with pytest.raises(BrokenCaseError, match="number 3 is missing: nothing was written"):
        _page(day)


# ── people's own words ───────────────────────────────────────────────────────────────────────────


def test_people_s_own_words_stand_as_references(day: Rehearsal) -> None:
    page = _page(day)
    for ref, value in _sealed(day):
        assert html.escape(value) not in page
        assert (ref in page) is (CANARY not in value)
    assert "SALT" not in page


@pytest.mark.both_databases
def test_with_words_each_comes_with_the_salt_that_leads_to_its_reference(day: Rehearsal) -> None:
    text = _text(_page(day, with_words=True))
    found = re.findall(r"(note|text) (.*?) reference (sha256:\w{64}) salt (\w{64})", text)
    assert {value for _, value, _, _ in found} == {
        "told by phone", HOSTILE, "agreed with the board",
    }  # fmt: skip
    for _, value, ref, salt in found:
        made = hashlib.sha256(bytes.fromhex(salt) + value.encode()).hexdigest()
        assert ref == f"sha256:{made}"
    assert "Texts beyond their references" in text


def test_what_is_filed_is_quoted_with_its_words_as_well(day: Rehearsal) -> None:
    details = (("level", "3"), ("responsible_name", "Wang"), ("server.a", '{"city":"x"}'))
    day.give(c.ChangeFiling(by="li", details=details), "shop.example")
    day.give(c.ChangeFiling(by="li", details=(("server.a", ""),)), "shop.example")
    sign(day, witnesses=[WITNESS])
    text = _text(_page(day, with_words=True))
    found = re.findall(r" (responsible_name|server\.a) (\S+) reference sha256:\w{64} salt", text)
    assert found == [("responsible_name", "Wang"), ("server.a", '{"city":"x"}')]
    assert '{"city":"x"}' not in html.unescape(_page(day))


def test_a_word_that_was_erased_is_said_to_be(day: Rehearsal) -> None:
    with writing(day.engine) as connection:
        connection.exec_driver_sql("DELETE FROM sealed WHERE value = 'told by phone'")
    text = _text(_page(day, with_words=True))
    assert "note erased · 已删除 sha256:" in text
    assert "told by phone" not in text


def test_why_it_was_closed_is_quoted_with_words_and_referred_to_without(
    sqlite_url: str,
) -> None:
    with rehearsal(sqlite_url) as day:
        put_key(day, LOG)
        day.add("shop.example")
        day.give(
            c.StateFalse(by="li", field="phone", evidence="it rings elsewhere"), "shop.example"
        )
        sign(day)
        assert "Evidence: “it rings elsewhere”" in _text(_page(day, with_words=True))
        assert re.search("Evidence: “sha256:[0-9a-f]{64}”", _text(_page(day)))


def _sealed(day: Rehearsal) -> list[tuple[str, str]]:
    return [(str(ref), str(value)) for ref, value in day.rows("SELECT ref, value FROM sealed")]


# ── the page ─────────────────────────────────────────────────────────────────────────────────────


class _Checked(HTMLParser):
    """Refuses what could run or fetch anything, and tags that are not closed in their order."""

    VOID = frozenset({"meta", "br"})
    FORBIDDEN = frozenset(
        ("script", "link", "img", "iframe", "object", "embed", "form", "a", "base")
    )

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in self.FORBIDDEN
        for name, _ in attrs:
            assert not name.startswith("on")
            assert name not in {"src", "href", "action", "style", "srcset"}
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("with_words", [False, True])
def test_the_page_needs_nothing_else_and_runs_nothing(day: Rehearsal, with_words: bool) -> None:
    page = _page(day, with_words=with_words)
    checked = _Checked()
    checked.feed(page)
    assert checked.open == []
    assert page.startswith("<!DOCTYPE html>")
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page
    assert "size: A4" in page


def test_headings_stand_in_both_languages(day: Rehearsal) -> None:
    page = html.unescape(_page(day))
    for english, chinese in case_words.HEADINGS.values():
        for heading in (english, chinese):
            assert heading in page, heading


def test_words_are_looked_up_a_few_hundred_at_a_time(
    day: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _page(day, with_words=True)
    monkeypatch.setattr(case_report, "_AT_ONCE", 1)
    assert _page(day, with_words=True) == whole


# ── the policy in words ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (Policy(), ("the site is suspended for 12h.", "暂停 12 小时。")),
        (
            Policy(min_attempts=2),
            (
                "in at least 2 attempts, the site is suspended for 12h; after fewer attempts, an",
                "至少尝试 2 次仍未联系到负责人的，暂停 12 小时；尝试次数不足的，只告警，不暂停。",
            ),
        ),
        (
            Policy(),
            (
                "R3 unreachable run: 3 such cases in a row close the site.",
                "R3 连续无法联系：连续 3 次",
            ),
        ),
        (
            Policy(run="total"),
            ("run: 3 such cases in all close the site.", "R3 累计无法联系：累计 3 次"),
        ),
        (
            Policy(),
            (
                "told about the content and refuses to delete it, the site is closed immediately.",
                "客户获知后拒不删除的，立即关闭。",
            ),
        ),
        (
            Policy(two_people_close=True),
            (
                "R4 false information: a false filed detail closes the site immediately.",
                "R4 信息虚假：登记信息虚假的，立即关闭。",
            ),
        ),
        (
            Policy(removal_within=timedelta(hours=48)),
            (
                "Content not deleted 48h after the call is recorded counts as a refusal.",
                "登记告知后 48 小时内仍未删除的，视为拒绝，也立即关闭。",
            ),
        ),
    ],
)
def test_a_policy_is_told_with_its_numbers(policy: Policy, said: tuple[str, str]) -> None:
    sentences = case_words.policy_sentences(policy)
    assert len(sentences) == 5 + policy.two_people_close
    for place, wanted in enumerate(said):
        assert any(wanted in sentence[place] for sentence in sentences)


def test_times_are_told_to_the_microsecond() -> None:
    wording = Wording(site="a.example", site_id=1, when=TimeFormat(zone=SHANGHAI, now=TEN))
    assert case_words.exactly(wording, TEN) == "2026-03-01 18:00"
    later = TEN + timedelta(microseconds=7)
    assert case_words.exactly(wording, later) == "2026-03-01 18:00:00.000007"
