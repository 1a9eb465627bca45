"""The why in Chinese: how a site stands, what comes next and what would change it, in short.

The whole of it, with each number that was counted, stands beside it in the words of the record.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Document = dict[str, Any]
When = Callable[[str], str]
Word = Callable[[str, str], str]

_RULES = {
    "repeat": "在规定时间内屡次违规",
    "unreachable_run": "连续多次联系不上负责人",
    "false_info": "登记信息虚假",
    "refusal": "客户已获通知而拒不删除",
}
_MOST = 10


def stands(site: Document, when: When, word: Word) -> list[str]:
    """How it stands, and why."""
    told = []
    if site["state"] == "closed":
        rule = site["rule"]
        said = f"{site['site']} 于 {when(site['closed_at'])} 关闭（{word('rule', rule)}）"
        told.append(f"{said}：{_RULES.get(rule, '')}。不提供售后服务，不予退款。")
        counted = (site["closure"] or {}).get("incidents", [])
        if counted:
            told.append(f"所依据的违规：{'、'.join(counted)}。")
    elif site["suspended_until"]:
        told.append(f"联系不上负责人（R2），暂停至 {when(site['suspended_until'])}。")
    elif site["state"] == "active":
        told.append("正常：没有规则使其停用。")
    if site["hold"]:
        told.append(f"{site['hold']['by']} 于 {when(site['hold']['at'])} 奉命扣停：保持停用。")
    if site["disputed"]:
        told.append("按现有记录，关闭的依据已不成立：须由主管决定维持或恢复。")
    if site["closure_request"]:
        asked = site["closure_request"]
        told.append(
            f"尚未关闭：{asked['by']} 于 {when(asked['at'])} 申请关闭"
            f"（{word('rule', asked['rule'])}），须由另一人确认。"
        )
    if site["reinstatement"]:
        asked = site["reinstatement"]
        told.append(f"{asked['by']} 于 {when(asked['at'])} 申请恢复，须由另一人答复。")
    if site["run"] and site["state"] != "closed":
        told.append(f"已连续 {site['run']} 次联系不上（R3）。")
    return [*told, *_waiting(site, when)]


def change(site: Document) -> list[str]:
    """What would change it."""
    if site["held"]:
        return ["解除扣停之前，网站保持停用，也不能恢复。"]
    if site["state"] == "closed":
        return ["由一人申请、另一人批准，方可恢复；所有计数随之重新开始。"]
    told = ["查明登记信息虚假（R4），或已获通知者拒不删除（R5），即关闭网站。"]
    if site["state"] == "suspended":
        return ["补记一次按时的联系，或作废所依据的违规，可撤销此次暂停。", *told]
    if any(each["state"] == "open" and each["contact_due"] for each in site["incidents"]):
        return ["在时限前联系到负责人，即停止计时。", *told]
    return told


def coming(site: Document, due: str) -> str:
    """What happens at that time, if nobody does anything."""
    if due == site["suspended_until"]:
        return "暂停结束。"
    if any(each["removal_due"] == due for each in site["incidents"]):
        return "未删除即视为拒绝（R5）。"
    return "若未联系到负责人，按规则处理（R2、R3）。"


def _waiting(site: Document, when: When) -> list[str]:
    if site["state"] == "closed":
        return []
    return [
        f"{each['id']}：须在 {when(each['contact_due'])} 前联系到负责人。"
        for each in site["incidents"]
        if each["state"] == "open" and each["contact_due"]
    ][:_MOST]
