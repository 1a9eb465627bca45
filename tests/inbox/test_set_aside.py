"""What a text names beside the violation is set aside, unless it names nothing else."""

from __future__ import annotations

import pytest

from incidents.inbox import set_aside
from incidents.inbox.findings import Findings

BAD = "http://bad.example/x is phishing.\n"


def found_in(text: str) -> Findings:
    found = Findings()
    found.take_text(text)
    return found


@pytest.mark.parametrize(
    "other",
    [
        "-- \nAnn, analyst\nhttps://corp.example/ | https://people.example/ann\n",
        "--\n张三\nhttps://corp.example\n",
        "-----BEGIN PGP SIGNATURE-----\nComment: https://pgp.example\n\niQ==\n",
        "Get Outlook for iOS<https://outlook.example/x>\n",
        "Sent from my phone, https://phone.example/\n",
        "This email has been checked for viruses.\nwww.scanner.example\n",
        "Original work: https://studio.example/film\n",
        "Original works:\nhttps://studio.example/1\n - https://studio.example/2\n",
        "Legitimate site: https://bank.example/ (our customer)\n",
        "正版网址：https://studio.example/film\n",
    ],
)
def test_a_web_address_of_other_people_is_no_finding_unless_it_is_the_only_one(other: str) -> None:
    assert found_in(f"{BAD}{other}").urls == ["http://bad.example/x"]
    assert found_in(f"{other}\n{BAD}").urls == ["http://bad.example/x"]
    assert found_in(other).urls != []


@pytest.mark.parametrize("domain", sorted(set_aside.CITED))
def test_a_service_that_reports_cite_is_no_finding_unless_it_is_defanged(domain: str) -> None:
    assert found_in(f"{BAD}See https://www.{domain}/a/1.\n").urls == ["http://bad.example/x"]
    assert found_in(f"hxxp://{domain}/a is phishing.\n").urls == [f"http://{domain}/a"]


@pytest.mark.parametrize(
    "text",
    [
        "-- \nAnn\n\nhttp://bad.example/x\n",
        "Infringing URL: http://bad.example/x\nOriginal work: A Film\n",
        "Original work:\nA Film\n\nInfringing URL:\nhttp://bad.example/x\n",
        "Original URL: http://bad.example/x\n",
        "The official site: http://bad.example/x has been hacked.\n",
    ],
)
def test_what_is_set_aside_ends_where_the_report_goes_on(text: str) -> None:
    assert found_in(text).urls == ["http://bad.example/x"]


@pytest.mark.parametrize(
    "line",
    [
        "Attacker: 192.0.2.1, target IP: 203.0.113.1",
        "SRC=192.0.2.1 DST=203.0.113.1 LEN=60",
        "192.0.2.1 attacks our server mail.isp.example (203.0.113.1)",
        "UDP 192.0.2.1:53 -> 203.0.113.1:4444",
        "攻击源IP：192.0.2.1\n目的IP地址：203.0.113.1",
        "源IP为192.0.2.1，受害主机IP：203.0.113.1。",
        "192.0.2.1 (see http://bad.example/?ip=203.0.113.1)",
    ],
)
def test_the_address_of_who_was_attacked_is_no_finding(line: str) -> None:
    assert [each.address for each in found_in(line).endpoints] == ["192.0.2.1"]


def test_an_address_that_only_the_victim_seems_to_have_is_a_finding() -> None:
    assert [each.address for each in found_in("Target IP: 192.0.2.1").endpoints] == ["192.0.2.1"]
