"""A name leads to the notice page and back, in a real PowerDNS that is asked by real queries."""

import json
from datetime import timedelta
from typing import Any

import pytest

from incidents.enforcement.port import Adapter, Delivered, Skipped
from tests.enforcement.orders import DAY, SITE, order, problem
from tests.enforcement.powerdns_rig import Contents, PowerDns, removed, replaced, rrset
from tests.enforcement.powerdns_zone import (
    AAAA,
    ALIAS,
    CNAME,
    HTTPS,
    LUA,
    MX,
    NOTICE,
    NOTICE_6,
    TXT,
    WITH_MORE,
    WWW,
    ZONE,
    A,
    adapter,
)


def reopened(dns: PowerDns, made: Adapter, seq: int, site: str = SITE) -> Contents:
    """The records of the zone after the site was reopened."""
    assert made.deliver(order("reopen", seq, site)) == Delivered()
    return dns.contents(ZONE)


# ── down and back ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["suspend", "close"])
def test_a_site_leads_to_the_notice_page_and_then_to_what_it_led_to(
    dns: PowerDns, kind: str
) -> None:
    before = dns.has_zone(ZONE, [A, AAAA, CNAME, HTTPS, MX, TXT])
    made = adapter(dns, www=True)
    assert made.state(SITE) == "active"
    assert dns.ask(SITE, "A") == ["A 192.0.2.1", "A 192.0.2.2"]
    assert dns.ask(SITE, "HTTPS") == ["HTTPS"]
    assert dns.ask(WWW, "A") == ["A 192.0.2.1", "A 192.0.2.2", f"CNAME {SITE}"]

    assert made.deliver(order(kind)) == Delivered()
    assert dns.ask(SITE, "A") == dns.ask(WWW, "A") == [f"A {NOTICE}"]
    assert dns.ask(SITE, "AAAA") == dns.ask(WWW, "AAAA") == [f"AAAA {NOTICE_6}"]
    assert dns.ask(SITE, "HTTPS") == dns.ask(WWW, "CNAME") == []
    assert dns.ask(SITE, "MX") == ["MX"], "mail goes on"
    assert made.state(SITE) == ("closed" if kind == "close" else "suspended")
    assert {each["ttl"] for each in dns.contents(ZONE) if each["type"] in ("A", "AAAA")} == {60}

    assert reopened(dns, made, 2) == before
    assert dns.notes(ZONE) == []
    assert made.state(SITE) == "active"
    assert dns.ask(WWW, "A") == ["A 192.0.2.1", "A 192.0.2.2", f"CNAME {SITE}"]


@pytest.mark.parametrize(
    "sets",
    [[A], [AAAA], [LUA], [ALIAS], [WITH_MORE], [A, AAAA, HTTPS, MX], [WITH_MORE, LUA, TXT]],
    ids=lambda sets: "+".join(each["type"] for each in sets),
)
def test_whatever_led_to_the_site_comes_back_as_it_was(
    dns: PowerDns, sets: list[dict[str, Any]]
) -> None:
    before = dns.has_zone(ZONE, sets)
    made = adapter(dns)
    assert made.deliver(order("suspend")) == Delivered()
    assert dns.ask(SITE, "A") == [f"A {NOTICE}"]
    assert dns.ask(SITE, "AAAA") == [f"AAAA {NOTICE_6}"]
    assert reopened(dns, made, 2) == before


def test_with_a_notice_page_of_one_kind_of_address_the_other_leads_nowhere(dns: PowerDns) -> None:
    before = dns.has_zone(ZONE, [A, AAAA])
    made = adapter(dns, notice_aaaa=None, ttl="5m")
    assert made.deliver(order("suspend")) == Delivered()
    assert dns.ask(SITE, "AAAA") == []
    assert [each["ttl"] for each in dns.contents(ZONE) if each["type"] == "A"] == [300]
    assert reopened(dns, made, 2) == before


def test_without_www_only_the_name_itself_goes_down(dns: PowerDns) -> None:
    dns.has_zone(ZONE, [A, rrset(f"www.{ZONE}", "A", 60, "192.0.2.3")])
    assert adapter(dns).deliver(order("suspend")) == Delivered()
    assert dns.ask(WWW, "A") == ["A 192.0.2.3"]


def test_a_www_that_leads_nowhere_is_left_so(dns: PowerDns) -> None:
    dns.has_zone(ZONE, [A])
    assert adapter(dns, www=True).deliver(order("suspend")) == Delivered()
    assert dns.ask(WWW, "A") == []


def test_what_went_down_with_its_www_comes_back_with_it_whatever_the_settings_say_now(
    dns: PowerDns,
) -> None:
    before = dns.has_zone(ZONE, [A, CNAME])
    assert adapter(dns, www=True).deliver(order("suspend")) == Delivered()
    assert reopened(dns, adapter(dns, www=False), 2) == before


@pytest.mark.parametrize("site", ["a.shop.example", "xn--fiqs8s.shop.example", "_x.a.shop.example"])
def test_a_site_that_only_a_wildcard_leads_to_has_records_of_its_own_meanwhile(
    dns: PowerDns, site: str
) -> None:
    before = dns.has_zone(ZONE, [rrset(f"*.{ZONE}", "A", 60, "192.0.2.4")])
    made = adapter(dns)
    assert made.state(site) == "active"
    assert made.deliver(order("suspend", site=site)) == Delivered()
    assert dns.ask(site, "A") == [f"A {NOTICE}"]
    assert dns.ask("b.shop.example", "A") == ["A 192.0.2.4"]
    assert made.state(site) == "suspended"
    assert reopened(dns, made, 2, site=site) == before
    assert dns.ask(site, "A") == ["A 192.0.2.4"]


def test_the_zone_that_is_changed_is_the_one_that_answers(dns: PowerDns) -> None:
    blog = "blog.shop.example"
    dns.has_zone(ZONE, [rrset(f"{blog}.", "A", 60, "192.0.2.5")])
    dns.has_zone(f"{blog}.", [rrset(f"{blog}.", "A", 60, "192.0.2.6")])
    assert adapter(dns).deliver(order("suspend", site=blog)) == Delivered()
    assert dns.ask(blog, "A") == [f"A {NOTICE}"]
    assert dns.notes(ZONE) == []
    assert len(dns.notes(f"{blog}.")) == 1


def test_a_secondary_is_told_by_a_higher_serial(dns: PowerDns) -> None:
    dns.has_zone(ZONE, [A, CNAME])
    made = adapter(dns, www=True)
    serials = [dns.api.get(f"/zones/{ZONE}").json()["serial"]]
    for seq, kind in enumerate(["suspend", "close", "reopen"], start=1):
        made.deliver(order(kind, seq))
        serials.append(dns.api.get(f"/zones/{ZONE}").json()["serial"])
    first = serials[0]
    assert serials == [first, first + 1, first + 1, first + 2], "one change for both names"


def test_a_zone_whose_secondaries_would_not_see_the_change_is_for_a_person(dns: PowerDns) -> None:
    before = dns.has_zone(ZONE, [A], kind="Master", soa_edit_api="")
    made = adapter(dns)
    assert problem(made.deliver(order("suspend"))) == "Failed serial_stands"
    assert dns.contents(ZONE) == before
    serial = dns.api.get(f"/zones/{ZONE}").json()["serial"]
    dns.edit(ZONE, replaced(ZONE, "TXT", 60, '"a change"'))
    assert dns.api.get(f"/zones/{ZONE}").json()["serial"] == serial, "it is as we fear"
    dns.api.put(f"/zones/{ZONE}", json={"soa_edit_api": "DEFAULT"})
    assert made.deliver(order("suspend")) == Delivered()


def test_a_zone_that_nobody_copies_needs_no_serial_number(dns: PowerDns) -> None:
    dns.has_zone(ZONE, [A], soa_edit_api="")
    assert adapter(dns).deliver(order("suspend")) == Delivered()
    assert dns.ask(SITE, "A") == [f"A {NOTICE}"]


# ── again, and in between ────────────────────────────────────────────────────────────────────────


def test_the_same_order_again_changes_nothing(dns: PowerDns) -> None:
    before = dns.has_zone(ZONE, [A, CNAME])
    made = adapter(dns, www=True)
    made.deliver(order("suspend"))
    down, notes = dns.contents(ZONE), dns.notes(ZONE)
    assert made.deliver(order("suspend")) == Delivered()
    assert (dns.contents(ZONE), dns.notes(ZONE)) == (down, notes)
    assert made.deliver(order("reopen", 2)) == Delivered()
    assert reopened(dns, made, 2) == before


def test_a_closure_of_a_suspended_site_keeps_what_it_had_before_both(dns: PowerDns) -> None:
    before = dns.has_zone(ZONE, [WITH_MORE, HTTPS])
    made = adapter(dns)
    for seq, kind in enumerate(["suspend", "close"], start=1):
        assert made.deliver(order(kind, seq)) == Delivered()
    assert made.state(SITE) == "closed"
    assert reopened(dns, made, 3) == before


def test_an_order_that_comes_after_a_later_one_is_left_alone(dns: PowerDns) -> None:
    dns.has_zone(ZONE, [A])
    made = adapter(dns)
    made.deliver(order("suspend", 3))
    down = dns.contents(ZONE)
    assert made.deliver(order("reopen", 2)) == Skipped(why="stale")
    assert made.deliver(order("close", 1)) == Skipped(why="stale")
    assert dns.contents(ZONE) == down
    assert made.state(SITE) == "suspended"


def test_in_a_new_database_numbers_begin_anew_and_times_tell_what_is_later(dns: PowerDns) -> None:
    before = dns.has_zone(ZONE, [A])
    made = adapter(dns)
    made.deliver(order("suspend", 40))
    assert made.deliver(order("reopen", 2, ordered_at=DAY + timedelta(days=9))) == Delivered()
    assert dns.contents(ZONE) == before


def test_notice_addresses_that_move_move_what_is_down_and_are_never_taken_for_the_sites(
    dns: PowerDns,
) -> None:
    before = dns.has_zone(ZONE, [A, HTTPS])
    adapter(dns).deliver(order("suspend"))
    moved = adapter(dns, notice_a=["198.51.100.8", "198.51.100.9"], notice_aaaa=None)
    assert moved.state(SITE) == "suspended"
    assert moved.deliver(order("close", 2)) == Delivered()
    assert dns.ask(SITE, "A") == ["A 198.51.100.8", "A 198.51.100.9"]
    assert dns.ask(SITE, "AAAA") == []
    again = adapter(dns, notice_a=None)
    assert again.deliver(order("close", 2)) == Delivered()
    assert dns.ask(SITE, "A") == []
    assert dns.ask(SITE, "AAAA") == [f"AAAA {NOTICE_6}"]
    assert reopened(dns, again, 3) == before


def test_the_site_of_a_www_stays_down_while_it_is_held_by_its_own_order(dns: PowerDns) -> None:
    before = dns.has_zone(ZONE, [A, CNAME])
    made = adapter(dns, www=True)
    made.deliver(order("suspend", 1))
    made.deliver(order("close", 2, site=WWW))
    assert made.state(WWW) == "closed"
    assert made.deliver(order("reopen", 3)) == Delivered()
    assert dns.ask(SITE, "A") == ["A 192.0.2.1", "A 192.0.2.2"]
    assert dns.ask(WWW, "A") == [f"A {NOTICE}"]
    assert made.state(WWW) == "closed"
    assert reopened(dns, made, 4, site=WWW) == before
    assert dns.notes(ZONE) == []


# ── somebody else changes the zone ───────────────────────────────────────────────────────────────


def test_a_site_that_somebody_leads_elsewhere_is_up_until_its_order_comes_again(
    dns: PowerDns,
) -> None:
    dns.has_zone(ZONE, [A, HTTPS])
    made = adapter(dns)
    made.deliver(order("suspend"))
    dns.edit(ZONE, replaced(ZONE, "A", 300, "192.0.2.66"))
    assert made.state(SITE) == "active"
    assert made.deliver(order("suspend")) == Delivered()
    assert made.state(SITE) == "suspended"
    assert made.deliver(order("reopen", 2)) == Delivered()
    assert dns.contents(ZONE) == sorted(
        [rrset(ZONE, "A", 300, "192.0.2.66"), HTTPS, rrset(ZONE, "NS", 3600, "ns1.example.")],
        key=lambda each: each["type"],
    )


def test_records_that_are_not_ours_any_more_are_left_alone_and_that_is_said(
    dns: PowerDns, capsys: pytest.CaptureFixture[str]
) -> None:
    dns.has_zone(ZONE, [A, AAAA])
    made = adapter(dns)
    made.deliver(order("suspend"))
    theirs = [replaced(ZONE, "A", 300, "192.0.2.66"), removed(ZONE, "AAAA")]
    dns.edit(ZONE, *theirs)
    changed = dns.contents(ZONE)
    assert made.deliver(order("reopen", 2)) == Delivered()
    assert dns.contents(ZONE) == changed
    assert dns.notes(ZONE) == []
    [line] = capsys.readouterr().err.splitlines()
    assert json.loads(line)["site"] == SITE
    assert "left as it is" in line
    assert "192.0.2" not in line


def test_what_was_added_stays_and_what_is_ours_is_put_back(dns: PowerDns) -> None:
    dns.has_zone(ZONE, [A, HTTPS])
    made = adapter(dns, notice_aaaa=None)
    made.deliver(order("suspend"))
    dns.edit(
        ZONE, replaced(ZONE, "AAAA", 300, "2001:db8:1::66"), replaced(ZONE, "MX", 9, "1 m.example.")
    )
    assert made.state(SITE) == "active"
    assert made.deliver(order("reopen", 2)) == Delivered()
    assert dns.contents(ZONE) == sorted(
        [
            A,
            HTTPS,
            rrset(ZONE, "AAAA", 300, "2001:db8:1::66"),
            rrset(ZONE, "MX", 9, "1 m.example."),
            rrset(ZONE, "NS", 3600, "ns1.example."),
        ],
        key=lambda each: each["type"],
    )


def test_an_address_of_ours_among_theirs_is_taken_out(dns: PowerDns) -> None:
    dns.has_zone(ZONE, [A])
    made = adapter(dns, notice_aaaa=None)
    made.deliver(order("suspend"))
    dns.edit(ZONE, replaced(ZONE, "A", 300, NOTICE, "192.0.2.66"))
    assert made.state(SITE) == "active"
    assert made.deliver(order("reopen", 2)) == Delivered()
    assert dns.ask(SITE, "A") == ["A 192.0.2.66"]


def test_a_cname_does_not_come_back_beside_an_address_of_theirs(dns: PowerDns) -> None:
    dns.has_zone(ZONE, [rrset(f"www.{ZONE}", "CNAME", 60, "origin.example.")])
    made = adapter(dns, notice_aaaa=None)
    made.deliver(order("suspend", site=WWW))
    dns.edit(ZONE, replaced(f"www.{ZONE}", "AAAA", 300, "2001:db8:1::66"))
    assert made.deliver(order("reopen", 2, site=WWW)) == Delivered()
    assert dns.ask(WWW, "A") == []
    assert dns.ask(WWW, "AAAA") == ["AAAA 2001:db8:1::66"]


def test_a_cname_that_cannot_come_back_is_for_a_person_and_loses_nothing(dns: PowerDns) -> None:
    before = dns.has_zone(ZONE, [rrset(f"www.{ZONE}", "CNAME", 60, "origin.example.")])
    made = adapter(dns)
    made.deliver(order("suspend", site=WWW))
    dns.edit(ZONE, replaced(f"www.{ZONE}", "TXT", 60, '"hello"'))
    down = dns.contents(ZONE)
    assert problem(made.deliver(order("reopen", 2, site=WWW))) == "Failed records_conflict"
    assert dns.contents(ZONE) == down
    dns.edit(ZONE, removed(f"www.{ZONE}", "TXT"))
    assert reopened(dns, made, 2, site=WWW) == before


def test_a_site_led_to_the_notice_page_by_hand_is_down_and_only_a_hand_opens_it(
    dns: PowerDns,
) -> None:
    dns.has_zone(ZONE, [rrset(ZONE, "A", 60, NOTICE)])
    made = adapter(dns)
    assert made.state(SITE) == "suspended"
    assert made.deliver(order("suspend")) == Delivered()
    assert dns.notes(ZONE) == []
    assert problem(made.deliver(order("reopen", 2))) == "Failed records_lost"


def test_a_reopening_of_what_was_never_down_does_nothing(dns: PowerDns) -> None:
    before = dns.has_zone(ZONE, [A])
    assert adapter(dns).deliver(order("reopen")) == Delivered()
    assert dns.contents(ZONE) == before


@pytest.mark.parametrize("value", ["", "{", "[]", '{"version":1}', '{"version":2,"name":"x"}'])
def test_a_note_that_cannot_be_read_is_for_a_person_and_is_not_written_over(
    dns: PowerDns, value: str
) -> None:
    dns.has_zone(ZONE, [A])
    made = adapter(dns)
    made.deliver(order("suspend"))
    [note] = dns.notes(ZONE)
    dns.api.put(f"/zones/{ZONE}/metadata/{note['kind']}", json={**note, "metadata": [value]})
    for kind in ("close", "reopen"):
        assert problem(made.deliver(order(kind, 2))) == "Failed note_unreadable"
    assert made.state(SITE) is None
    assert [each["metadata"] for each in dns.notes(ZONE)] == [[value]]


# ── names that cannot be taken down here ─────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("site", "expected"),
    [
        ("unknown.test", "Failed no_zone"),
        ("shop.example.test", "Failed no_zone"),
        ("nothing.shop.example", "Failed no_records"),
        ("mail.shop.example", "Failed no_records"),
        ("cut.shop.example", "Failed delegated"),
        ("www.cut.shop.example", "Failed delegated"),
        ("a.moved.shop.example", "Failed delegated"),
        ("copied.example", "Failed secondary_zone"),
        ("192.0.2.1", "Failed no_name"),
        ("2001:db8::1", "Failed no_name"),
        ("", "Failed no_name"),
        (".", "Failed no_name"),
        ("..", "Failed no_name"),
        ("*.shop.example", "Failed no_name"),
        ("shop.example/../../metadata", "Failed no_name"),
        ("shop.example?rrsets=false", "Failed no_name"),
        ("shop.example\r\nX-Injected: 1", "Failed no_name"),
        ("SHOP.example", "Failed no_name"),
        ("shop.example.", "Failed no_name"),
        ('shop.example"', "Failed no_name"),
        ("中文.example", "Failed no_name"),
        ("a" * 64 + ".example", "Failed no_name"),
        (".".join(["a" * 60] * 5), "Failed no_name"),
    ],
)
def test_a_name_that_cannot_be_taken_down_is_for_a_person_and_nothing_is_changed(
    dns: PowerDns, site: str, expected: str
) -> None:
    dns.has_zone(
        ZONE,
        [
            A,
            rrset(f"mail.{ZONE}", "MX", 60, "1 mail.example."),
            rrset(f"cut.{ZONE}", "NS", 60, "ns.elsewhere.example."),
            rrset(f"cut.{ZONE}", "A", 60, "192.0.2.8"),
            rrset(f"moved.{ZONE}", "DNAME", 60, "elsewhere.example."),
        ],
    )
    dns.has_zone("copied.example.", kind="Slave", masters=["192.0.2.53"], nameservers=[])
    before = dns.contents(ZONE)
    made = adapter(dns)
    assert problem(made.deliver(order("suspend", site=site))) == expected
    assert made.state(site) is None or expected == "Failed delegated"
    assert dns.contents(ZONE) == before
    assert dns.notes(ZONE) == []


def test_a_www_that_cannot_be_changed_keeps_the_site_from_being_half_down(dns: PowerDns) -> None:
    dns.has_zone(ZONE, [A, rrset(f"www.{ZONE}", "NS", 60, "ns.elsewhere.example.")])
    made = adapter(dns, www=True)
    assert problem(made.deliver(order("suspend"))) == "Failed delegated"
    assert dns.ask(SITE, "A") == ["A 192.0.2.1", "A 192.0.2.2"]
    assert dns.notes(ZONE) == []


def test_more_records_than_a_note_can_keep_are_not_touched(dns: PowerDns) -> None:
    many = [f"10.{n // 250}.{n % 250}.1" for n in range(2000)]
    before = dns.has_zone(ZONE, [rrset(ZONE, "A", 60, *many)])
    assert problem(adapter(dns).deliver(order("suspend"))) == "Failed too_many_records"
    assert dns.contents(ZONE) == before


@pytest.mark.parametrize("kind", ["notify", "call", "alarm"])
def test_what_is_no_act_of_a_name_is_skipped(dns: PowerDns, kind: str) -> None:
    assert adapter(dns).deliver(order(kind)) == Skipped(why="not_of_a_name")
