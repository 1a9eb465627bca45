"""The words of an alarm: the queue, the console, the list and the letter name a cause alike."""

from pathlib import Path
from typing import get_args

import pytest

from incidents.locale.catalogue import Domain, phrases
from incidents.notices import letter
from incidents.values.language_tag import Tag

CAUSES: dict[str, tuple[dict[Tag, str], list[str], str]] = {
    "alarm_daemon_silent": (
        {"en": "no daemon is enforcing the deadlines", "zh_CN": "时限执行程序未运行"},
        ["notice.clock", "alarms.silent", "alarms.silent.since"], "alarm.clock",
    ),
    "alarm_halted": (
        {"en": "no orders are being carried out", "zh_CN": "所有指令已停止执行"},
        ["enforcement.halted", "alarms.record.halted"], "alarm.halted",
    ),
    "alarm_mark_unread": (
        {"en": "is not carrying out orders", "zh_CN": "已停止执行任何指令"},
        ["enforcement.mark_unread", "alarms.record.mark_unread"], "alarm.mark_unread.one",
    ),
    "alarm_entries_lost": (
        {"en": "the record lost its latest entries", "zh_CN": "记录末尾丢失"},
        ["enforcement.lost", "alarms.record.entries_lost"], "alarm.lost",
    ),
    "alarm_server_changed": (
        {"en": "another database server took over", "zh_CN": "数据库已由另一台服务器接管"},
        ["enforcement.moved", "alarms.record.server_changed"], "alarm.moved",
    ),
    "alarm_sites_uncompared": (
        {"en": "sites whose actual state is not checked", "zh_CN": "无法与实际状态核对的网站"},
        ["enforcement.uncompared.one", "enforcement.uncompared.many",
         "alarms.record.sites_uncompared"], "alarm.uncompared",
    ),
    "alarm_log_unsigned": (
        {"en": "new entries are not being signed", "zh_CN": "有新记录等待签署"},
        ["enforcement.unsigned", "alarms.record.log_unsigned"], "alarm.unsigned",
    ),
    "alarm_brake_on": (
        {"en": "suspensions waiting for a supervisor", "zh_CN": "暂停指令等待主管处理"},
        ["notice.brake", "alarms.brake_on.one", "alarms.brake_on.many"], "alarm.brake",
    ),
}  # fmt: skip
"""By letter: the words for its cause, and the phrases of the terminal and of the console."""


@pytest.mark.parametrize("tag", get_args(Tag))
@pytest.mark.parametrize("name", CAUSES)
def test_a_cause_is_named_alike_wherever_it_is_told(name: str, tag: Tag) -> None:
    words, at_terminal, on_page = CAUSES[name]
    folder = Path(letter.__file__).parent / "templates" / tag
    told = [
        *(phrases(tag, "cli")[each] for each in at_terminal),
        phrases(tag, "console")[on_page],
        (folder / f"{name}.txt.jinja").read_text(encoding="utf-8"),
    ]
    assert [each for each in told if words[tag] not in each.casefold()] == []


def test_the_daemon_has_one_name_in_chinese() -> None:
    for domain in get_args(Domain):
        named = {
            code: told for code, told in phrases("zh_CN", domain).items()
            if any(other in told for other in ("后台程序", "计时器"))
        }  # fmt: skip
        assert named == {}
