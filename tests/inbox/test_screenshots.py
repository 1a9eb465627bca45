"""The picture of a page by a real Chromium: what is on it, and whom the page can reach by it."""

from __future__ import annotations

import io
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import pytest
from PIL import Image

from incidents.inbox.snapshots import browser, screenshot
from incidents.inbox.snapshots.fetching import Page
from incidents.inbox.snapshots.screenshot import HEIGHT, MAX_HEIGHT, WIDTH, Screenshot, Screenshots
from incidents.outbound.guard import Guard, dial
from tests.browser import PROGRAM
from tests.outbound.rig import LOOPBACK, Handler, receiver, silent, talker
from tests.patience import until

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
URL = "http://shop.example/deep/login"
# Nested so deeply that no layout of it ends.
ENDLESS = b"<table><tr><td>" * 20_000


def picture(colour: tuple[int, int, int]) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (100, 100), colour).save(made, "PNG")
    return made.getvalue()


def page(body: bytes, kind: str | None = "text/html", status: int = 200) -> Page:
    return Page(final=URL, status=status, body=body, kind=kind)


def site(handler: Handler) -> None:
    """The site's server: a style sheet, which asks for another one, and pictures."""
    if handler.path == "/style.css":
        css = b"@import '/more.css'; body { background: #00ff00; margin: 0 }"
        handler.answer(200, css, Content_Type="text/css")
    elif handler.path == "/more.css":
        handler.answer(200, b"img { display: block }", Content_Type="text/css")
    elif handler.path.endswith(".png"):
        handler.answer(200, picture(RED), Content_Type="image/png")
    else:
        handler.answer(404, b"not here", Content_Type="text/plain")


def guard(port: int) -> Guard:
    """A guard to which the site alone is public; it is on that port."""

    def resolve(host: str, _port: int) -> Sequence[str]:
        return ["8.8.8.8"] if host == "shop.example" else [LOOPBACK]

    def connect(address: str, _port: int, within_s: float) -> socket.socket:
        assert address == "8.8.8.8", f"connected to {address}"
        return dial(LOOPBACK, port, within_s)

    return Guard(plain_http=True, resolve=resolve, dial=connect)


def taken(body: bytes, port: int = 1, *, within_s: float = 60.0, loads_within_s: float = 30.0,
          program: str = PROGRAM) -> Screenshot:  # fmt: skip
    own = Screenshots(program=Path(program), within_s=within_s, loads_within_s=loads_within_s)
    return own.take(page(body), guard(port))


def drawn(found: Screenshot) -> Image.Image:
    assert found.png is not None, found.reason
    return Image.open(io.BytesIO(found.png)).convert("RGB")


@dataclass
class Files:
    """The folder for the browsers' files, which any user can enter."""

    folder: Path
    sessions: set[str] = field(default_factory=set)

    def left(self) -> list[str]:
        """The files that are there, and the processes of browsers that have had some there.

        Some processes do not say to whom they belong, but all are of one session.
        """
        running: list[tuple[str, str]] = []
        for each in Path("/proc").glob("[0-9]*"):
            try:
                words = (each / "cmdline").read_text(errors="replace")
                session = (each / "stat").read_text().rpartition(") ")[2].split()[3]
            except OSError:
                continue
            running.append((session, words))
            if f"--user-data-dir={self.folder}/" in words:
                self.sessions.add(session)
        names = [each.name for each in self.folder.iterdir()]
        return names + [words for session, words in running if session in self.sessions]


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    with tempfile.TemporaryDirectory() as own:
        folder = Path(own)
        folder.chmod(stat.S_IRWXU | stat.S_IXGRP | stat.S_IXOTH)
        monkeypatch.setenv("TMPDIR", own)
        yield Files(folder)


def test_a_page_is_drawn_with_its_style_sheets_and_its_pictures() -> None:
    body = b"<link rel=stylesheet href=/style.css><img src=a.png><img src=//shop.example/b.png>"
    with receiver(site) as there:
        found = drawn(taken(body, there.port))
    assert found.size == (WIDTH, HEIGHT)
    assert (found.getpixel((50, 50)), found.getpixel((50, 150))) == (RED, RED)
    assert found.getpixel((50, 250)) == GREEN
    assert sorted(each.path for each in there.seen) == [
        "/b.png", "/deep/a.png", "/more.css", "/style.css",
    ]  # fmt: skip
    for each in there.seen:
        assert (each.method, each.body) == ("GET", b"")
        assert not {"cookie", "referer", "authorization"} & set(each.headers)


def test_an_error_page_is_drawn_and_what_is_no_html_is_not() -> None:
    own = Screenshots(program=Path(PROGRAM), within_s=60.0)
    gone = own.take(page(b"<body bgcolor=#0000ff>Gone", None, status=404), guard(1))
    assert drawn(gone).getpixel((600, 600)) == BLUE
    for other in (page(picture(RED), "image/png"), page(b""), page(b"a", "text/plain")):
        assert own.take(other, guard(1)) == Screenshot()


def test_a_page_reaches_nobody_but_by_the_guard() -> None:
    with talker(silent) as forbidden, receiver(site) as there:
        at = f"{LOOPBACK}:{forbidden.port}"
        body = f"""<base href=http://{at}/><body bgcolor=#0000ff>
            <img src=file:///etc/hostname><img src=http://169.254.169.254/latest/meta-data/>
            <img src=http://{at}/a.png><img src=//inner.example/a.png><img src=a.png>
            <img srcset='http://{at}/b.png 1x'><link rel=icon href=http://{at}/i.ico>
            <link rel=stylesheet href=http://{at}/a.css><style>@import 'http://{at}/b.css';
            @font-face {{ font-family: f; src: url(http://{at}/f.woff) }}
            p {{ font-family: f; background: url(http://{at}/c.png) }}</style><p>text
            <link rel=preconnect href=http://{at}><link rel=dns-prefetch href=http://{at}>
            <link rel=preload as=fetch href=http://{at}/p><link rel=prefetch href=http://{at}/q>
            <link rel=modulepreload href=http://{at}/m.js><link rel=manifest href=http://{at}/w>
            <script src=http://{at}/s.js></script><iframe src=http://{at}/f></iframe>
            <script>document.body.bgColor = "red"; new WebSocket("ws://{at}/");
            fetch("http://{at}/"); navigator.sendBeacon("http://{at}/")</script>
            <object data=http://{at}/o></object><embed src=http://{at}/e type=text/html>
            <video src=http://{at}/v poster=http://{at}/d.png></video><audio src=http://{at}/s>
            </audio><svg><image href=http://{at}/g.png /><use href='http://{at}/u.svg#a' /></svg>
            <form action=http://{at}/ method=post><input autofocus></form>
            <meta http-equiv=refresh content='0;url=http://{at}/next'>"""
        found = drawn(taken(body.encode(), there.port))
    assert forbidden.connections == 0
    assert there.seen == []
    # It is still the page itself, and its script has not run.
    assert found.getpixel((1_200, 790)) == BLUE


def test_of_its_own_site_too_a_page_loads_no_more_than_it_shows() -> None:
    body = b"""<body bgcolor=#0000ff><script src=/s.js></script><iframe src=/f></iframe>
        <script>document.body.bgColor = "red"</script><video src=/v></video><object data=/o>
        </object>
        <link rel=prefetch href=/q><link rel=icon href=/i.ico><link rel=manifest href=/w>
        <meta http-equiv=refresh content='0;url=/next'>"""
    with receiver(site) as there:
        found = drawn(taken(body, there.port))
    assert there.seen == []
    assert found.getpixel((1_200, 790)) == BLUE


def test_the_browser_itself_reaches_nobody_whatever_it_is_asked_for() -> None:
    with (
        talker(silent) as there,
        browser.opened(PROGRAM, sandbox=True, until=monotonic() + 60.0) as chromium,
    ):
        frame = chromium.ask("Target.createTarget", url="about:blank")["targetId"]
        own = chromium.ask("Target.attachToTarget", targetId=frame, flatten=True)["sessionId"]
        at = f"{LOOPBACK}:{there.port}"
        script = f"""new Promise((done) => {{
            const socket = new WebSocket("ws://{at}/");
            socket.onerror = () => fetch("http://{at}/").catch(() => done("none"));
            socket.onopen = () => done("open"); }})"""
        ran = chromium.ask("Runtime.evaluate", own, expression=script, awaitPromise=True)
        assert ran["result"]["value"] == "none"
        for url in (f"http://{at}/", f"http://localhost:{there.port}/"):
            assert "errorText" in chromium.ask("Page.navigate", own, url=url)
    assert there.connections == 0


def test_a_page_loads_so_much_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screenshot, "MAX_LOADS", 3)
    many = b"".join(b"<img src=%d.png>" % n for n in range(20))
    with receiver(site) as there:
        taken(many, there.port)
        assert len(there.seen) == 3
        monkeypatch.setattr(screenshot, "MAX_LOADS", 100)
        monkeypatch.setattr(screenshot, "MAX_LOADED", 0)
        taken(many, there.port)
    # Those that were asked for at once.
    assert len(there.seen) < 3 + 20


def test_a_picture_that_never_comes_is_left_out() -> None:
    body = b"<body bgcolor=#0000ff><img src=a.png>"
    with talker(silent) as there:
        found = taken(body, there.port, loads_within_s=0.5)
        assert there.connections == 1
    assert drawn(found).getpixel((600, 600)) == BLUE


def test_a_long_page_is_drawn_so_far_and_a_large_picture_is_the_window_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = b"<body bgcolor=#0000ff><div style='height: 90000px; width: 90000px'>"
    found = taken(body)
    assert found.png is not None
    assert drawn(found).size == (WIDTH, MAX_HEIGHT)
    monkeypatch.setattr(screenshot, "MAX_BYTES", len(found.png) - 1)
    assert drawn(taken(body)).size == (WIDTH, HEIGHT)
    monkeypatch.setattr(screenshot, "MAX_BYTES", 10)
    assert taken(body) == Screenshot(reason="large")


def test_nothing_of_a_browser_is_left_also_of_one_that_never_ends(files: Files) -> None:
    seen: list[list[str]] = []

    def look(handler: Handler) -> None:
        seen.append(files.left())
        site(handler)

    with receiver(look) as there:
        assert taken(b"<img src=a.png>", there.port).reason is None
    assert "--type=renderer" in str(seen)
    assert files.left() == []
    assert taken(ENDLESS, within_s=3.0).reason == "slow"
    assert files.left() == []


_KILLED = """
import sys
from pathlib import Path
from tests.inbox.test_screenshots import ENDLESS, taken
taken(ENDLESS)
"""


def test_nothing_of_a_browser_is_left_when_who_wanted_it_is_killed(files: Files) -> None:
    with subprocess.Popen([sys.executable, "-c", _KILLED]) as wanting:
        until(lambda: any("--type=renderer" in each for each in files.left()), "a renderer")
        wanting.send_signal(signal.SIGKILL)
    until(lambda: not files.left(), "the end of the browser")


@pytest.mark.parametrize(
    ("says", "reason"),
    [("exit 0", "not_started"), ("echo No usable sandbox! >&2; exit 1", "no_sandbox"),
     ("sleep 600", "slow"), ("printf '{}\\0' >&4; sleep 600", "slow"),
     ("printf 'no json\\0' >&4; sleep 600", "crashed")],
)  # fmt: skip
def test_a_program_that_is_no_browser_is_told_as_such(files: Files, says: str, reason: str) -> None:
    program = files.folder / "browser"
    program.write_text(f"#!/bin/sh\n{says}\n")
    program.chmod(0o755)
    assert taken(b"a page", program=str(program), within_s=2.0) == Screenshot(reason=reason)
    program.unlink()
    assert files.left() == []
    assert taken(b"a page", program=str(program)) == Screenshot(reason="no_browser")


def test_a_browser_has_a_sandbox_unless_it_is_set_otherwise_and_no_secrets(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = files.folder / "browser"
    # Says how it was started in the words that are understood.
    program.write_text(
        '#!/bin/sh\n[ "$(id -u)" = 0 ] && exit 1\n[ -n "$INCIDENTS_DB" ] && exit 1\n'
        'case "$*" in *--no-sandbox*) exit 1;; esac\necho No usable sandbox! >&2; exit 1\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("INCIDENTS_DB", "postgresql://a:secret@db.example/")
    for sandbox, reason in ((True, "no_sandbox"), (False, "not_started")):
        own = Screenshots(program=program, sandbox=sandbox, within_s=60.0)
        assert own.take(page(b"a page"), guard(1)) == Screenshot(reason=reason)
