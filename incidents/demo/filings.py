"""The filings of the sample data: one complete, one overdue, and two that are due soon.

Numbers and names are nobody's: a number of a person is of an order that is never given out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from incidents.demo.schedule import Schedule
from incidents.machine import commands as c
from incidents.values import site_name

_OF_A_COMPANY = {
    "subject_kind": "company", "subject_number": "91110105000000019Q",
    "responsible_number": "110105199001010002", "nature": "non_commercial",
    "hosting": "cloud_server", "access_provider": "示例数据中心有限公司",
    "access_method": "leased_server", "access_place": "北京市", "support_kind": "owner",
    "registrar": "示例域名注册有限公司", "office_code": "110000000000",
    "icp_number": "京ICP备12345678号-1",
}  # fmt: skip
_SERVER = {"province": "北京", "city": "北京", "count": "2"}
_CONTRACT = {"kind": "access_contract"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """A filing: its details, and the days of its deadlines as days before the present one."""

    details: Mapping[str, str]
    ago: Mapping[str, int]
    server_ip: str | None = None
    contract_days: int | None = None
    """For how many more days the access contract is valid; None if none is on record."""


FILINGS = {
    "school.example": Filing(
        details=_OF_A_COMPANY | {
            "subject_name": "示例学校", "responsible_name": "周婷", "service_type": "other",
            "level": "3", "ip": "192.0.2.10", "responsible_phone": "+86 10 5555 0199",
            "responsible_email": "zhou@school.example",
            "public_security_number": "京公网安备 11010502000001号",
        },
        ago={"opened_on": 75, "filed_on": 52, "approved_on": 40, "shown_on": 21},
        server_ip="192.0.2.10", contract_days=200,
    ),
    "mail.example": Filing(
        details=_OF_A_COMPANY | {
            "subject_name": "示例邮箱", "responsible_name": "Zhao Min", "service_type": "mail",
            "level": "3", "ip": "192.0.2.20", "responsible_phone": "+86 10 5555 0104",
            "public_security_number": "京公网安备 11010502000002号",
        },
        ago={"opened_on": 61, "filed_on": 38, "approved_on": 24},
        server_ip="192.0.2.20", contract_days=17,
    ),
    "花店.example": Filing(
        details={
            "subject_kind": "company", "subject_name": "示例花店", "responsible_name": "赵敏",
            "service_type": "shop", "level": "3", "nature": "non_commercial",
            "ip": "192.0.2.30", "responsible_phone": "13800000000",
        },
        ago={"opened_on": 20}, server_ip="192.0.2.30",
    ),
    "茶馆.example": Filing(
        details={
            "subject_kind": "person", "subject_name": "示例茶馆", "responsible_name": "刘洋",
            "service_type": "forum", "level": "2", "responsible_phone": "+86 10 5555 0108",
        },
        ago={"opened_on": 33},
    ),
}  # fmt: skip
"""By the name of the site. The first two were approved: the second must show its number in 6 days.
The third must be filed in 10 days, and its phone number seems made up; the last is 3 days late."""

_CHECKED = ("school.example",)
"""The sites whose suspicious details, here a mail domain of nobody, somebody found to be right."""

_AFTER = timedelta(minutes=20)


def write(schedule: Schedule, begin: datetime, end: datetime) -> None:
    """Write into a schedule that all are recorded from `begin` on, when their sites are there.

    `end`: the present, in the desk's zone.
    """
    for n, (name, filing) in enumerate(FILINGS.items(), 1):
        site = site_name.read(name)
        schedule.act(begin + n * _AFTER, site, _change(filing, end))
        if name in _CHECKED:
            settle = partial(schedule.desk.clear_queue, [site])
            schedule.then(begin + n * _AFTER + _AFTER / 2, settle)


def _change(filing: Filing, end: datetime) -> c.ChangeFiling:
    def day(after: int) -> str:
        return (end.date() + timedelta(days=after)).isoformat()

    days = {key: day(-ago) for key, ago in filing.ago.items()}
    server = {} if filing.server_ip is None else _SERVER | {"ip": filing.server_ip}
    contract = (
        {}
        if filing.contract_days is None
        else _CONTRACT | {"expires_on": day(filing.contract_days)}
    )
    items = {"server.main": server, "document.contract": contract}
    return c.ChangeFiling(
        by="operator-2",
        details=tuple(sorted({**filing.details, **days}.items())),
        parts=tuple((key, *part) for key, item in items.items() for part in item.items()),
    )
