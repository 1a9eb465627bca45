"""The wire: what is unchanged is not sent again, and what is sent is compressed."""

import re

from incidents.machine import commands as c
from tests.served_desk import ConsoleDesk, Visitor


def test_a_list_and_an_item_that_are_as_they_were_are_not_sent_again(desk: ConsoleDesk) -> None:
    desk.violation("same.example")
    li = Visitor(desk, "li")
    li.client.headers["hx-request"] = "true"
    for path in ("/queue/list", "/queue/1-1"):
        first = li.get(path)
        named = {"if-none-match": first.headers["etag"]}
        again = li.client.get(path, headers=named)
        assert (again.status_code, again.text) == (304, "")
        # The countdowns run by the server's time all the same.
        assert ("x-incidents-now" in again.headers) == (path == "/queue/list")
        desk.do("same.example", c.RecordContact(by="wang", incident=1, outcome="no-answer"))
        assert li.client.get(path, headers=named).status_code == 200


def test_pages_are_compressed_and_nothing_in_them_tells_the_token(desk: ConsoleDesk) -> None:
    desk.violation("short.example")
    li = Visitor(desk, "li")
    pages = [li.get("/") for _ in range(2)]
    assert {page.headers["content-encoding"] for page in pages} == {"gzip"}
    tokens = [re.findall(r'name="csrf" value="(\w+)"', page.text) for page in pages]
    assert all(tokens)
    assert not set(tokens[0]) & set(tokens[1])
    assert all(li.csrf not in page.text for page in pages)
    answer = li.post("/queue/1-1/claim", {"csrf": tokens[1][0]})
    assert answer.status_code == 303


def test_the_stream_of_news_is_not_held_back_by_compression(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "li")
    with li.client.stream("GET", "/changes") as stream:
        assert "content-encoding" not in stream.headers
        desk.asgi_app.state.changes.stop()


def test_an_act_of_the_queue_brings_the_list_the_item_and_the_result_at_once(
    desk: ConsoleDesk,
) -> None:
    for site in ("first.example", "second.example"):
        desk.violation(site)
    li = Visitor(desk, "li")
    li.client.headers["hx-request"] = "true"
    answer = li.post("/queue/1-1/contact", {"outcome": "no-answer", "seen": "2", "then": "2-1"})
    assert 'id="i-1-1"' in answer.text
    assert 'data-item="2-1"' in answer.text
    assert "nobody answered" in answer.text
    # A list of that moment has the same version: its news is none for this page.
    [version] = re.findall(r'data-version="(\w+)"', answer.text)
    assert f'data-version="{version}"' in li.get("/queue/list").text
