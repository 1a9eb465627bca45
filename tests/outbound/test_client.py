"""The client: it asks nothing that the guard has not seen, and reads no more than is wanted."""

import gzip
import zlib
from collections.abc import Iterator

import pytest

from incidents.outbound.client import Client
from incidents.outbound.faults import BadAnswerError, ForbiddenTargetError, TimedOutError
from incidents.outbound.guard import Guard
from tests.outbound.rig import LOOPBACK, Handler, always, dripping, receiver, saying, talker

CAP = 1_000


@pytest.fixture
def http() -> Iterator[Client]:
    """A client that may ask the loopback."""
    with Client(Guard(allow=[LOOPBACK]), within_s=5, cap=CAP, keep=0) as made:
        yield made


def test_a_page_is_got(http: Client) -> None:
    with receiver(always(200, "京ICP备1号".encode(), Content_Type="Text/HTML; charset=x")) as there:
        answer = http.get(f"{there.url}?a=b+c")
    assert (answer.status, answer.body.decode(), answer.cut) == (200, "京ICP备1号", False)
    assert answer.content_type == "text/html"
    (seen,) = there.seen
    assert (seen.method, seen.path) == ("GET", "/hook?a=b+c")
    assert seen.headers["host"] == f"{LOOPBACK}:{there.port}"
    assert seen.headers["accept-encoding"] == "identity"
    assert seen.headers["user-agent"].startswith("incidents/")


def test_a_body_is_posted_with_its_headers(http: Client) -> None:
    with receiver(always(201)) as there:
        assert http.post(there.url, b"ab", {"Accept": "text/x"}).status == 201
    [seen] = there.seen
    assert (seen.method, seen.body, seen.headers["accept"]) == ("POST", b"ab", "text/x")


def test_a_header_is_text_in_utf_8_or_else_in_latin_1(http: Client) -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: /%b\r\nContent-Length: 0\r\n\r\n"
    for text, codec in (("京", "utf-8"), ("é", "latin-1")):
        with talker(saying(head % text.encode(codec))) as there:
            assert http.get(there.url).header("location") == f"/{text}"


@pytest.mark.parametrize("url", ["https://127.0.0.2/", "https://user:word@shop.example/"])
def test_a_hostile_target_is_refused(http: Client, url: str) -> None:
    with pytest.raises(ForbiddenTargetError):
        http.get(url)


def test_a_redirect_is_not_followed(http: Client) -> None:
    with (
        receiver(always(200)) as elsewhere,
        receiver(always(302, Location=elsewhere.url)) as there,
    ):
        assert http.get(there.url).status == 302
    assert elsewhere.seen == []


def test_a_page_larger_than_the_cap_is_cut_and_says_so(http: Client) -> None:
    with receiver(always(200, b"x" * 5_000)) as there:
        answer = http.get(there.url)
    assert (answer.body, answer.cut) == (b"x" * CAP, True)


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_a_packed_page_is_unpacked_up_to_the_cap_and_no_further(
    http: Client, encoding: str, pack: object
) -> None:
    assert callable(pack)
    small, bomb = b"y" * CAP, b"x" * 500_000
    bodies = iter([pack(small), pack(bomb)])

    def answering(handler: Handler) -> None:
        handler.answer(200, next(bodies), Content_Encoding=encoding)

    with receiver(answering) as there:
        answers = [http.get(there.url), http.get(there.url)]
    assert [(each.body, each.cut) for each in answers] == [(small, False), (b"x" * CAP, True)]


@pytest.mark.parametrize(("encoding", "body"), [("br", b"x"), ("gzip", b"not packed")])
def test_a_page_that_cannot_be_unpacked_is_a_bad_answer(
    http: Client, encoding: str, body: bytes
) -> None:
    with (
        receiver(always(200, body, Content_Encoding=encoding)) as there,
        pytest.raises(BadAnswerError, match=r"its body (has an unknown encoding|is encoded wrong)"),
    ):
        http.get(there.url)


def test_a_packed_answer_without_a_body_is_whole(http: Client) -> None:
    with receiver(always(200, Content_Encoding="gzip")) as there:
        answer = http.get(there.url)
    assert (answer.body, answer.cut) == (b"", False)


def test_a_server_that_drips_is_given_up() -> None:
    with (
        talker(dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"x")) as there,
        Client(Guard(allow=[LOOPBACK]), within_s=0.3) as http,
        pytest.raises(TimedOutError),
    ):
        http.get(there.url)


def test_no_proxy_of_the_environment_is_asked(
    http: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver(always(200, b"there")) as there, receiver(always(200, b"proxy")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        assert http.get(there.url).body == b"there"
    assert proxy.seen == []
