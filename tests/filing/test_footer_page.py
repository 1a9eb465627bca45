"""The page: what is fetched of a site, and what is refused, cut off or not waited for."""

import gzip
import time

import pytest

from incidents.filing.finding import finding_sentence
from incidents.filing.footer import check, page
from incidents.filing.footer.content import MAX_BYTES
from incidents.filing.footer.page import MAX_REDIRECTS, UnreadPageError
from incidents.outbound.guard import Guard
from tests.outbound.rig import (
    LOOPBACK,
    Answering,
    Handler,
    always,
    dripping,
    receiver,
    saying,
    silent,
    talker,
)

HTML = "<body><p>京公网安备 11010502000001号".encode()
HERE = Guard(allow=[LOOPBACK], plain_http=True)


def unread(url: str, guard: Guard = HERE, within_s: float = 5) -> UnreadPageError:
    """Why a page cannot be read; what is said of it is never right."""
    with pytest.raises(UnreadPageError) as refused:
        page.fetch(url, guard, within_s=within_s)
    finding = refused.value.finding()
    assert (finding.verdict, finding.code) == ("unknown", refused.value.code)
    assert not check.is_right([finding])
    assert finding_sentence(finding)
    return refused.value


def answered(answering: Answering) -> UnreadPageError:
    """The same, of what a server answers."""
    with receiver(answering) as there:
        return unread(there.url)


def test_a_page_is_fetched_under_the_programs_own_name() -> None:
    with receiver(always(200, HTML, Content_Type="text/html; charset=UTF-8")) as there:
        found = page.fetch(there.url, HERE)
    assert (found.url, found.body, found.charset, found.cut) == (there.url, HTML, "UTF-8", False)
    (seen,) = there.seen
    assert seen.method == "GET"
    assert seen.headers["user-agent"].startswith("incidents/")
    assert [str(number) for number in found.footer().public_security_numbers] == [
        "京公网安备 11010502000001号"
    ]


def test_the_servers_charset_is_obeyed() -> None:
    body = HTML.decode().encode("gb18030")
    with receiver(always(200, body, Content_Type="text/html;charset='GBK'")) as there:
        found = page.fetch(there.url, HERE).footer()
    assert (found.encoding, len(found.public_security)) == ("gb18030", 1)


def test_redirects_are_followed_to_the_page() -> None:
    def answering(handler: Handler) -> None:
        if handler.path == "/hook":
            handler.answer(302, Location="/首页?q=中#top".encode().decode("latin-1"))
        else:
            handler.answer(200, HTML)

    with receiver(answering) as there:
        found = page.fetch(there.url, HERE)
    assert found.body == HTML
    assert there.seen[1].path.startswith("/%")
    assert "#" not in found.url


def test_a_circle_of_redirects_ends() -> None:
    with receiver(always(301, Location="/hook")) as there:
        assert unread(there.url).code == "page_redirects"
    assert len(there.seen) == MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    "where",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "//127.0.0.2/",
        "http://localhost/",
        "http://[::1]/",
        "http://2130706433/",
        "https://user:word@shop.example/",
        "file:///etc/passwd",
        "ftp://shop.example/",
    ],
)
def test_a_redirect_to_what_only_this_machine_reaches_is_refused(where: str) -> None:
    assert answered(always(302, Location=where)).code == "page_forbidden"


def test_a_name_that_leads_to_a_private_address_is_refused() -> None:
    guard = Guard(plain_http=True, resolve=lambda _host, _port: ["10.0.0.1"])
    assert unread("https://shop.example/", guard).code == "page_forbidden"


def test_this_machine_is_refused_unless_it_is_allowed_by_name() -> None:
    with receiver(always(200, HTML)) as there:
        assert unread(there.url, Guard(plain_http=True)).code == "page_forbidden"
    assert there.seen == []


@pytest.mark.parametrize("where", ["http://[", "http://[x]/"])
def test_a_redirect_that_cannot_be_read_leads_nowhere(where: str) -> None:
    assert answered(always(302, Location=where)).code == "page_redirect_unreadable"


@pytest.mark.parametrize("status", [204, 304, 403, 404, 500, 503])
def test_what_is_no_page_is_not_looked_at(status: int) -> None:
    error = answered(always(status, HTML if status not in (204, 304) else b""))
    assert (error.code, error.finding_facts["status"]) == ("page_status", str(status))


def test_what_is_no_html_is_not_looked_at() -> None:
    error = answered(always(200, b"%PDF-1.7", Content_Type="application/pdf"))
    assert (error.code, error.finding_facts["kind"]) == ("page_not_html", "application/pdf")


def test_an_empty_answer_is_no_page() -> None:
    assert answered(always(200, b" \n")).code == "page_empty"


def test_a_page_longer_than_the_limit_is_cut() -> None:
    with receiver(always(200, b"x" * (MAX_BYTES + 1))) as there:
        found = page.fetch(there.url, HERE)
    assert (len(found.body), found.cut, found.footer().cut) == (MAX_BYTES, True, True)


def test_a_page_that_unpacks_without_end_is_cut() -> None:
    bomb = gzip.compress(b"<p>" * 10_000_000)
    with receiver(always(200, bomb, Content_Encoding="gzip")) as there:
        found = page.fetch(there.url, HERE)
    assert (len(found.body), found.cut) == (MAX_BYTES, True)
    assert there.seen[0].headers["accept-encoding"] == "identity"


def test_a_body_without_end_is_cut() -> None:
    parts = [b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 65_536] * 64]
    with talker(saying(*parts)) as there:
        found = page.fetch(there.url, HERE)
    assert (len(found.body), found.cut) == (MAX_BYTES, True)


@pytest.mark.parametrize(
    "script", [silent, dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x")]
)
def test_a_slow_page_is_not_waited_for(script: object) -> None:
    with talker(script) as there:  # type: ignore[arg-type]  # one of the rig's scripts
        error = unread(there.url, within_s=0.3)
    assert (error.code, error.finding_facts["problem"]) == ("page_unreachable", "timeout")


def test_slow_redirects_share_the_time_of_one_page() -> None:
    def answering(handler: Handler) -> None:
        time.sleep(0.15)  # a server's slowness is what is tried here
        handler.answer(302, Location="/hook")

    with receiver(answering) as there:
        error = unread(there.url, within_s=0.4)
    assert error.finding_facts["problem"] == "timeout"
    assert len(there.seen) <= 4


def test_a_server_that_is_not_there_is_told_by_its_name() -> None:
    with receiver(always(200)) as there:
        pass
    assert unread(there.url).finding_facts["problem"] == "refused"


def test_a_site_that_does_not_speak_https_is_asked_over_http() -> None:
    asked: list[int] = []

    def dial(address: str, port: int, within_s: float) -> object:
        asked.append(port)
        raise ConnectionRefusedError

    guard = Guard(plain_http=True, resolve=lambda *_: ["8.8.8.8"], dial=dial)  # type: ignore[arg-type]
    with pytest.raises(UnreadPageError):
        page.fetch_home("shop.example", guard)
    assert asked == [443, 80]


def test_a_name_that_does_not_exist_is_asked_for_once() -> None:
    import socket

    asked: list[int] = []

    def resolve(_host: str, port: int) -> list[str]:
        asked.append(port)
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    with pytest.raises(UnreadPageError) as refused:
        page.fetch_home("shop.example", Guard(plain_http=True, resolve=resolve))
    assert (asked, refused.value.finding_facts["problem"]) == ([443], "name_not_found")
