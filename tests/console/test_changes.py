"""The changes: what all consoles are told of, and when they are told that nothing can be seen."""

import asyncio
from collections.abc import Iterator
from functools import partial
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from incidents import clock
from incidents.console import changes
from incidents.console.changes import Changes, Seen, changed
from incidents.console.pages.queue import queue_list
from incidents.console.pages.queue.queue_list import ListCache, WrittenList
from incidents.console.pages.queue.queue_view import QueueView
from incidents.errors import DatabaseError


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "POLL_S", 0.001)
    monkeypatch.setattr(changes, "POLL_LOST_S", 0.001)


def test_new_entries_are_told_by_their_sites() -> None:
    assert changed({1: 7}, {1: 7}) is None
    assert changed(None, {1: 7}) is None
    assert changed({1: 7}, {1: 7, 2: 9, 3: 8, 4: 9}) == {"sites": [8, 9], "more": False}


def test_an_entry_that_was_numbered_earlier_and_committed_later_is_told_too() -> None:
    assert changed({1: 7, 3: 8}, {1: 7, 2: 9, 3: 8}) == {"sites": [9], "more": False}


def test_what_only_leaves_the_window_is_no_change() -> None:
    assert changed({1: 7, 2: 8}, {2: 8}) is None


def test_of_more_than_is_looked_at_others_may_have_changed_too() -> None:
    found = changed({1: 1}, {n: n for n in range(1_000, 1_256)})
    assert found is not None
    assert found["more"]


def looks(*seen: Seen | Exception) -> Iterator[Seen | Exception]:
    yield from seen
    while True:
        yield seen[-1]


def heard(
    of: list[Seen | Exception],
    events: int,
    consoles: int = 1,
    ages: list[object] | None = None,
) -> list[list[str]]:
    """The first events of each stream, which begins by saying when to come again, and ends."""
    answers = looks(*of)

    def look() -> Seen:
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    async def console(watched: Changes) -> list[str]:
        told: list[str] = []
        async for each in watched.listen(lambda: True):
            told.append(each)
            if len(told) == events + 1:
                watched.stop()
        assert told[0] == "retry: 1000\n\n"
        return told[1:]

    async def all_of_them() -> list[list[str]]:
        watched = Changes(look, (lambda: None) if ages is None else partial(next_of, iter(ages)))
        return list(await asyncio.gather(*(console(watched) for _ in range(consoles))))

    return asyncio.run(asyncio.wait_for(all_of_them(), 30))


def next_of(found: Iterator[object]) -> object:
    """The next of them; an exception is raised."""
    each = next(found, None)
    if isinstance(each, Exception):
        raise each
    return each


def kinds(told: list[str]) -> list[str]:
    return [each.partition("event: ")[2].partition("\n")[0] for each in told]


def test_what_only_time_changes_is_told_without_an_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "AGES_S", 0)
    [told] = heard([{1: 7}] * 4, events=2, ages=["fine", "fine", "overdue", "overdue"])
    assert kinds(told) == ["hello", "aged"]


def test_a_look_at_what_time_changes_that_fails_is_told_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(changes, "AGES_S", 0)
    ages: list[object] = ["fine", DatabaseError("gone"), "fine"]
    [told] = heard([{1: 7}] * 3, events=3, ages=ages)
    assert kinds(told) == ["hello", "lost", "hello"]


def test_all_consoles_are_told_by_one_look_and_end_together() -> None:
    found = heard([{1: 7}, {1: 7, 2: 8}], events=2, consoles=50)
    assert len(found) == 50
    for told in found:
        assert "event: hello" in told[0]
        assert 'event: changed\ndata: {"sites": [8], "more": false, "version": ' in told[1]


@pytest.mark.parametrize("gone", [DatabaseError("gone"), RuntimeError("nobody thought of this")])
def test_a_database_that_is_lost_is_told_and_that_it_is_back(gone: Exception) -> None:
    [told] = heard([{1: 7}, gone, gone, {1: 7}], events=4)
    assert kinds(told) == ["hello", "lost", "lost", "hello"]


def test_a_page_that_was_written_at_a_version_misses_nothing_that_came_later() -> None:
    """A page is written; an entry comes: whoever listens then is told of a newer version."""
    entries = {1: 7}

    async def written_and_heard() -> tuple[str | None, list[str]]:
        watched = Changes(lambda: dict(entries))
        first = watched.listen(lambda: True)
        early = [await anext(first), await anext(first)]
        page = watched.version
        entries[2] = 8
        told = await anext(first)
        second = watched.listen(lambda: True)
        late = [await anext(second), await anext(second)]
        assert watched.version is not None
        assert watched.version in late[1]
        for stream in (first, second):
            await stream.aclose()  # type: ignore[attr-defined]  # it is a generator
        return page, [*early, told, *late]

    page, told = asyncio.run(asyncio.wait_for(written_and_heard(), 5))
    assert page is not None
    assert page in told[1]
    assert "event: changed" in told[2]
    assert "event: hello" in told[4]
    assert page not in told[4]


def test_nobody_is_greeted_before_the_first_look() -> None:
    """What came before it would be told to nobody: the greeting says that all is, from now on."""
    seen: list[str | None] = []

    def look() -> Seen:
        seen.append("look")
        return {1: 7}

    async def greeted() -> None:
        stream = Changes(look).listen(lambda: True)
        seen.append((await anext(stream)).partition(":")[0])
        seen.append((await anext(stream)).splitlines()[0])
        await stream.aclose()  # type: ignore[attr-defined]  # it is a generator

    asyncio.run(asyncio.wait_for(greeted(), 5))
    assert seen[:3] == ["retry", "look", "event: hello"]


def test_a_page_and_a_stream_of_two_workers_agree_if_both_have_seen_the_same() -> None:
    async def greeted(seen: Seen) -> str:
        stream = Changes(lambda: seen).listen(lambda: True)
        await anext(stream)
        told = await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]  # it is a generator
        return told

    async def heard() -> list[str]:
        return [await greeted({1: 7}), await greeted({1: 7, 2: 7})]

    page = Changes(lambda: {1: 7}).position()
    same, newer = asyncio.run(asyncio.wait_for(heard(), 5))
    assert page in same
    assert page not in newer


def test_a_page_to_which_there_is_nothing_to_tell_hears_that_the_server_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A comment would do for the connection, but no script of a page hears one."""
    monkeypatch.setattr(changes, "HEARTBEAT_S", 0.001)
    assert heard([{1: 7}], events=4)[0].count("event: beat\ndata: {}\n\n") > 1


def test_who_is_signed_out_hears_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEARTBEAT_S", "SESSION_CHECK_S"):
        monkeypatch.setattr(changes, name, 0.01)

    async def listen() -> list[str]:
        watched = Changes(lambda: {1: 7})
        return [each async for each in watched.listen(lambda: False)]

    told = asyncio.run(asyncio.wait_for(listen(), 30))
    assert "event: signed-out" in told[-1]


def test_who_is_signed_out_hears_no_more_of_a_desk_that_is_never_quiet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(changes, "SESSION_CHECK_S", 0.2)
    entries = count(1)

    async def listen() -> list[str]:
        watched = Changes(lambda: {next(entries): 7})
        return [each async for each in watched.listen(lambda: False)]

    told = asyncio.run(asyncio.wait_for(listen(), 5))
    assert len(told) > 2
    assert "event: signed-out" in told[-1]


def test_how_many_streams_somebody_has_is_known_until_they_end() -> None:
    async def open_and_close() -> list[int]:
        watched, found = Changes(lambda: {1: 7}), []
        streams = [watched.listen(lambda: True, handle) for handle in ("li", "li", "chen")]
        for stream in streams:
            await anext(stream)
        found.append(watched.count_streams("li"))
        for stream in streams:
            await stream.aclose()  # type: ignore[attr-defined]  # it is a generator
        return [*found, watched.count_streams("li")]

    assert asyncio.run(asyncio.wait_for(open_and_close(), 5)) == [2, 0]


def test_where_pages_say_what_they_read_nothing_else_is_read_for_their_version() -> None:
    looks: list[Seen] = []

    def look() -> Seen:
        looks.append({1: 7})
        return looks[-1]

    assert Changes(look, for_pages=False).position() != Changes(look).position()
    assert len(looks) == 1


def test_two_desks_of_one_process_do_not_show_each_others_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def rendered(here: Any, _view: QueueView) -> WrittenList:
        return WrittenList(here.desk, "7", None, clock.now(), clock.now())

    monkeypatch.setattr(queue_list, "rendered", rendered)
    cache, view = ListCache(), QueueView()

    def shown(desk: str, watched: Any) -> str:
        identity, reader = SimpleNamespace(role="operator"), SimpleNamespace(language="en")
        here: Any = SimpleNamespace(desk=desk, identity=identity, reader=reader)
        return cache.of(here, view, watched).text

    # As many changes have been made at either.
    one, other = object.__new__(Changes), object.__new__(Changes)
    one.version = other.version = "7"
    assert [shown("one", one), shown("other", other), shown("again", one)] == [
        "one", "other", "one",
    ]  # fmt: skip
