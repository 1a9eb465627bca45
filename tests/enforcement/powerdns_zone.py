"""The zone of a site in PowerDNS: its records, and the adapter for it."""

from typing import Any

from incidents.enforcement.port import Adapter
from incidents.enforcement.powerdns import adapter as powerdns
from incidents.settings.options import Options
from tests.enforcement.powerdns_rig import KEY, PowerDns, rrset

STATES = {"suspend": "suspended", "close": "closed", "reopen": "active"}
ZONE = "shop.example."
WWW = "www.shop.example"
NOTICE, NOTICE_6 = "198.51.100.7", "2001:db8::7"


def adapter(dns: PowerDns, **changed: Any) -> Adapter:
    table = {"url": dns.url, "api_key": KEY, "notice_a": NOTICE, "notice_aaaa": NOTICE_6} | changed
    present = {key: value for key, value in table.items() if value is not None}
    return powerdns.make("dns", Options("[acts.dns]", present))


A = rrset(ZONE, "A", 3600, "192.0.2.1", "192.0.2.2")
AAAA = rrset(ZONE, "AAAA", 1800, "2001:db8:1::1")
CNAME = rrset(f"www.{ZONE}", "CNAME", 600, ZONE)
HTTPS = rrset(ZONE, "HTTPS", 300, "1 . alpn=h3,h2 ipv4hint=192.0.2.1")
LUA = rrset(ZONE, "LUA", 60, "A \"pickrandom({'192.0.2.1', '192.0.2.2'})\"")
ALIAS = rrset(ZONE, "ALIAS", 300, "origin.example.")
MX = rrset(ZONE, "MX", 3600, "10 mail.example.")
TXT = rrset(ZONE, "TXT", 3600, '"v=spf1 -all"')
WITH_MORE = {
    **A,
    "records": [
        {"content": "192.0.2.1", "disabled": False},
        {"content": "192.0.2.9", "disabled": True},
    ],
    "comments": [
        {"content": 'the "old" \\ server', "account": "operator-1", "modified_at": 1700000000}
    ],
}
