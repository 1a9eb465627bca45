"""The client: httpx asks nothing that the guard has not seen."""

import gzip
import zlib
from collections.abc import Iterator

import httpx
import pytest

from incidents.outbound.client import client
from incidents.outbound.faults import BadAnswerError, ForbiddenTargetError, TimedOutError
from incidents.outbound.guard import Guard
from tests.outbound.rig import LOOPBACK, Handler, always, dripping, receiver, talker

CAP = 1_000


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    """A client that may ask the loopback."""
    with client(Guard(allow=[LOOPBACK]), within_s=5, cap=CAP) as made:
        yield made


def test_a_page_is_got(http: httpx.Client) -> None:
    with receiver(always(200, "京ICP备1号".encode(), Content_Type="text/html")) as there:
        response = http.get(there.url, params={"a": "b c"})
        http.close()
    assert (response.status_code, response.text) == (200, "京ICP备1号")
    assert response.extensions["cut"] is False
    (seen,) = there.seen
    assert (seen.method, seen.path) == ("GET", "/hook?a=b+c")
    assert seen.headers["host"] == f"{LOOPBACK}:{there.port}"
    assert seen.headers["accept-encoding"] == "identity"
    assert seen.headers["user-agent"].startswith("incidents/")


def test_a_body_is_posted(http: httpx.Client) -> None:
    with receiver(always(201)) as there:
        assert http.post(there.url, json={"a": 1}).status_code == 201
        assert http.post(there.url, content=iter([b"a", b"b"])).status_code == 201
        http.close()
    assert [seen.body for seen in there.seen] == [b'{"a":1}', b"ab"]


@pytest.mark.parametrize("url", ["https://127.0.0.2/", "https://user:word@shop.example/"])
def test_a_hostile_target_is_refused_through_httpx_too(http: httpx.Client, url: str) -> None:
    with pytest.raises(ForbiddenTargetError):
        http.get(url)


def test_a_redirect_is_not_followed(http: httpx.Client) -> None:
    with (
        receiver(always(200)) as elsewhere,
        receiver(always(302, Location=elsewhere.url)) as there,
    ):
        assert http.get(there.url).status_code == 302
        http.close()
    assert elsewhere.seen == []


def test_a_redirect_that_somebody_wants_followed_is_under_the_guard_at_each_hop(
    http: httpx.Client,
) -> None:
    with (
        receiver(always(302, Location="http://169.254.169.254/latest/meta-data/")) as there,
        pytest.raises(ForbiddenTargetError, match=r"169\.254\.169\.254"),
    ):
        http.get(there.url, follow_redirects=True)
    http.close()


def test_a_page_larger_than_the_cap_is_cut_and_says_so(http: httpx.Client) -> None:
    with receiver(always(200, b"x" * 5_000)) as there:
        response = http.get(there.url)
        http.close()
    assert response.content == b"x" * CAP
    assert response.extensions["cut"] is True


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_a_packed_page_is_unpacked_up_to_the_cap_and_no_further(
    http: httpx.Client, encoding: str, pack: object
) -> None:
    assert callable(pack)
    small, bomb = b"y" * CAP, b"x" * 500_000
    bodies = iter([pack(small), pack(bomb)])

    def answering(handler: Handler) -> None:
        handler.answer(200, next(bodies), Content_Encoding=encoding)

    with receiver(answering) as there:
        responses = [http.get(there.url), http.get(there.url)]
        http.close()
    assert [r.content for r in responses] == [small, b"x" * CAP]
    assert [r.extensions["cut"] for r in responses] == [False, True]


@pytest.mark.parametrize(("encoding", "body"), [("br", b"x"), ("gzip", b"not packed")])
def test_a_page_that_cannot_be_unpacked_is_a_bad_answer(
    http: httpx.Client, encoding: str, body: bytes
) -> None:
    with receiver(always(200, body, Content_Encoding=encoding)) as there:
        with pytest.raises(BadAnswerError, match="packed"):
            http.get(there.url)
        http.close()


def test_a_head_of_a_packed_page_has_no_body_and_is_not_cut(http: httpx.Client) -> None:
    def answering(handler: Handler) -> None:
        handler.answer(200, Content_Encoding="gzip", Content_Length="500")

    with receiver(answering) as there:
        response = http.head(there.url)
        http.close()
    assert (response.content, response.extensions["cut"]) == (b"", False)


def test_a_server_that_drips_is_given_up_whatever_httpx_is_told_to_wait() -> None:
    with (
        talker(dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"x")) as there,
        client(Guard(allow=[LOOPBACK]), within_s=0.3) as http,
        pytest.raises(TimedOutError),
    ):
        http.get(there.url, timeout=3_600)


def test_no_proxy_of_the_environment_is_asked(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver(always(200, b"there")) as there, receiver(always(200, b"proxy")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        with client(Guard(allow=[LOOPBACK])) as another:
            assert another.get(there.url).content == b"there"
    assert proxy.seen == []
