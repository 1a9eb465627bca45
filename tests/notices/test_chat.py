"""Chat: what a receiver on the loopback is told by Apprise, and that no address is given away."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from incidents.enforcement.port import Delivered, Retry, Skipped
from incidents.errors import SettingError
from incidents.notices import chat, samples
from incidents.notices.letter import Recipient
from incidents.settings.options import Options
from tests.enforcement.orders import problem
from tests.notices.lane import WORDING
from tests.outbound import rig
from tests.outbound.rig import Handler, Seen
from tests.patience import PATIENCE_S

LETTER = WORDING.letter("call_task", samples.of("call_task"), "12-o45.desk")
SECRET = "kE7Q2wVn93"
NOBODY = Recipient()

# Apprise puts something in the place of a module that Python 3.13 no longer has, by importing it.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@dataclass
class Receiver:
    """What has come, and what is answered."""

    port: int = 0
    status: int = 200
    hang: threading.Event | None = None
    seen: list[Seen] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [seen.path for seen in self.seen]

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(seen.body) for seen in self.seen]

    def url(self, path: str = f"/{SECRET}") -> str:
        return f"json://127.0.0.1:{self.port}{path}"


@contextmanager
def receiving(receiver: Receiver) -> Iterator[Receiver]:
    def take(handler: Handler) -> None:
        if receiver.hang is not None:
            receiver.hang.wait()
        handler.answer(receiver.status, Location="/elsewhere")

    with rig.receiver(take) as there:
        receiver.port, receiver.seen = there.port, there.seen
        try:
            yield receiver
        finally:
            if receiver.hang is not None:
                receiver.hang.set()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(Receiver()) as found:
        yield found


def _chat(*urls: str, **said: Any) -> chat.Chat:
    options = Options("[notices.wecom]", {"urls": list(urls)} | said)
    made = chat.make("wecom", options)
    options.finish()
    return made


def test_a_group_is_told_the_text_under_its_subject(receiver: Receiver) -> None:
    assert _chat(receiver.url()).send(LETTER, NOBODY, within_s=PATIENCE_S) == Delivered()
    [document] = receiver.documents
    assert document["title"] == LETTER.subject
    assert document["message"].strip() == LETTER.text.strip()
    assert "不提供售后服务，不予退款" in document["message"]


def test_each_address_is_told_and_one_that_takes_it_is_enough(
    receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    with receiving(Receiver(status=500)) as broken:
        channel = _chat(broken.url(), receiver.url())
        assert channel.send(LETTER, NOBODY, within_s=PATIENCE_S) == Delivered()
        assert len(broken.documents) == len(receiver.documents) == 1
    said = capsys.readouterr().err
    assert "did not take a notice" in said
    assert SECRET not in said


@pytest.mark.parametrize("status", [500, 404, 307])
def test_what_nobody_takes_is_tried_again(status: int, receiver: Receiver) -> None:
    receiver.status = status
    found = _chat(receiver.url()).send(LETTER, NOBODY, within_s=PATIENCE_S)
    assert found == Retry(problem="chat_failed", detail="wecom did not take it")
    assert receiver.paths == [f"/{SECRET}"]


def test_where_nobody_listens_it_is_tried_again() -> None:
    with receiving(Receiver()) as gone:
        url = gone.url()
    found = _chat(url).send(LETTER, NOBODY, within_s=PATIENCE_S)
    assert problem(found) == "Retry chat_failed"


def test_a_receiver_that_hangs_is_left_in_time() -> None:
    with receiving(Receiver(hang=threading.Event())) as hanging:
        found = _chat(hanging.url(), timeout="1s").send(LETTER, NOBODY, within_s=3_600)
    assert found == Retry(problem="chat_timeout", detail="wecom did not answer in time")


# ── a gateway for short messages ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("phone", "path"),
    [("+86 10 5555 0101", "/sms/%2B861055550101"), ("010-5555-0101", "/sms/01055550101")],
)
def test_a_gateway_is_given_the_customer_s_number(
    phone: str, path: str, receiver: Receiver
) -> None:
    channel = _chat(receiver.url("/sms/{phone}"))
    assert channel.send(LETTER, Recipient(phone=phone), within_s=PATIENCE_S) == Delivered()
    [found] = receiver.paths
    assert found in (path, path.replace("%2B", "+"))


@pytest.mark.parametrize("phone", [None, "", "none", "/../x"])
def test_without_a_number_no_gateway_is_asked(phone: str | None, receiver: Receiver) -> None:
    channel = _chat(receiver.url("/sms/{phone}"))
    assert channel.send(LETTER, Recipient(phone=phone), within_s=PATIENCE_S) == Skipped(
        why="no_address"
    )
    assert receiver.paths == []


# ── secrets ──────────────────────────────────────────────────────────────────────────────────────


def test_an_address_is_neither_logged_nor_printed_nor_told(
    receiver: Receiver, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        channel = _chat(receiver.url())
        outcomes = [channel.send(LETTER, NOBODY, within_s=PATIENCE_S)]
        receiver.status = 500
        outcomes.append(channel.send(LETTER, NOBODY, within_s=PATIENCE_S))
    out, err = capfd.readouterr()
    assert [record for record in caplog.records if record.name == "apprise"] == []
    warned = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert SECRET not in "".join(warned)
    for told in (out, err, repr(outcomes), repr(channel)):
        assert SECRET not in told


@pytest.mark.parametrize(
    ("said", "setting"),
    [
        ({"urls": [f"nothing://{SECRET}"]}, "urls"),
        ({"urls": [f"json://host.example/{SECRET}", f"nothing://{SECRET}"]}, "urls"),
        ({"urls": [7, SECRET]}, "urls"),
        ({"urls": {"a": SECRET}}, "urls"),
        ({"urls": []}, "urls"),
        ({}, "urls"),
        ({"url": [SECRET]}, "url"),
        ({"url": f"nothing://{SECRET}"}, "urls"),
    ],
)
def test_a_wrong_address_is_complained_of_and_not_quoted(
    said: dict[str, Any], setting: str
) -> None:
    with pytest.raises(SettingError) as raised:
        chat.make("wecom", Options("[notices.wecom]", said))
    assert raised.value.facts["setting"] == setting
    assert SECRET not in f"{raised.value.message}{raised.value.facts}"


def test_an_address_can_stand_in_a_file_or_a_variable(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "address"
    file.write_text(receiver.url("/file") + "\n")
    monkeypatch.setenv("WECOM", receiver.url("/variable"))
    for said in ({"url_file": str(file)}, {"url_env": "WECOM"}, {"url": receiver.url("/here")}):
        made = chat.make("wecom", Options("[notices.wecom]", said))
        assert made.send(LETTER, NOBODY, within_s=PATIENCE_S) == Delivered()
    assert receiver.paths == ["/file", "/variable", "/here"]
    with pytest.raises(SettingError, match="url_file = "):
        chat.make("wecom", Options("[notices.wecom]", {"url_file": str(tmp_path / "nothing")}))


@pytest.mark.parametrize(
    "url",
    [
        "wecombot://0123456789abcdef", "dingtalk://0123456789abcdef", "feishu://0123456789abcdef",
        "dingtalk://secret@0123456789abcdef",
    ],
)  # fmt: skip
def test_the_groups_that_desks_in_china_use_are_known(url: str) -> None:
    assert _chat(url).name == "wecom"
