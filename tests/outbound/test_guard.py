"""The guard: no request leads to what only we can reach, whoever answers for a name and however
often; what was checked is what is connected to."""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from incidents.errors import BadSiteNameError
from incidents.outbound.client import Sender
from incidents.outbound.faults import (
    ConnectionRefusedByHostError,
    Deadline,
    ForbiddenTargetError,
    LookupFailedError,
    NameNotFoundError,
    OutboundError,
    TimedOutError,
    UnreachableError,
)
from incidents.outbound.guard import Guard
from incidents.outbound.message import Request
from tests.outbound.rig import LOOPBACK, always, receiver, silent, talker

PUBLIC, PUBLIC_6 = "8.8.8.8", "2400:3200::1"

# Each address with what its name's server answers; None where nobody may even be asked.
HOSTILE: list[tuple[str, Sequence[str] | None]] = [
    # our own machine, spelled
    ("https://127.0.0.1/", None),
    ("https://127.0.0.1:8443/", None),
    ("https://127.0.1/", None),
    ("https://0x7f.0x0.0x0.0x1/", None),
    ("https://0177.0.0.01/", None),
    ("https://127。0。0。1/", None),
    ("https://0.0.0.0/", None),
    ("https://0/", None),
    ("https://localhost/", None),
    ("https://LOCALHOST./", None),
    ("https://panel.localhost/", None),
    ("https://[::1]/", None),
    ("https://[::]/", None),
    ("https://[0:0:0:0:0:0:0:1]/", None),
    ("https://[::127.0.0.1]/", None),
    ("https://[::ffff:127.0.0.1]/", None),
    ("https://[::ffff:7f00:1]/", None),
    ("https://[64:ff9b::7f00:1]/", None),
    ("https://[2002:7f00:1::]/", None),
    # our network and the clouds' own services
    ("https://10.0.0.5/", None),
    ("https://192.168.0.1/", None),
    ("https://172.16.0.1/", None),
    ("https://100.100.100.200/latest/meta-data/", None),
    ("https://169.254.169.254/latest/meta-data/", None),
    ("https://2852039166/latest/meta-data/", None),
    ("https://[::ffff:169.254.169.254]/", None),
    ("https://[fd00:ec2::254]/latest/meta-data/", None),
    ("https://168.63.129.16/", None),
    ("https://255.255.255.255/", None),
    ("https://224.0.0.1/", None),
    ("https://[ff02::1]/", None),
    # what is written to be misread
    ("https://127.0.0.1\\@hooks.example/", None),
    ("https://hooks.example\\.127.0.0.1/", None),
    ("https://hooks.example:443@127.0.0.1:22/", None),
    ("https://hooks.example\r\n.evil.example/", None),
    ("https:///127.0.0.1/", None),
    # what is no web server
    ("http://hooks.example/", None),
    ("https://hooks.example:22/", None),
    ("https://hooks.example:25/", None),
    # names that lead to where they should not
    ("https://rebind.example/", [LOOPBACK]),
    ("https://127.0.0.1.nip.example/", ["127.0.0.1"]),
    ("https://metadata.internal.example/", ["169.254.169.254"]),
    ("https://metadata.example/", ["100.100.100.200"]),
    ("https://inner.example/", ["10.1.2.3"]),
    ("https://inner.example/", ["fd12:3456::1"]),
    ("https://inner.example/", ["fe80::1%2"]),
    ("https://inner.example/", ["::ffff:10.0.0.1"]),
    ("https://inner.example/", ["64:ff9b::a00:1"]),
    ("https://xn--fsqu00a.xn--0zwm56d/", ["127.0.0.1"]),
    ("https://例子.测试/", ["127.0.0.1"]),
    ("https://hooks.example./", ["127.0.0.1"]),
    ("https://zero.example/", ["0.0.0.0"]),
    ("https://odd.example/", ["not an address"]),
    # a good address does not excuse a bad one, wherever it stands
    ("https://mixed.example/", [PUBLIC, LOOPBACK]),
    ("https://mixed.example/", [LOOPBACK, PUBLIC]),
    ("https://mixed.example/", [PUBLIC, PUBLIC_6, "169.254.169.254"]),
    ("https://mixed.example/", [PUBLIC] * 20 + ["10.0.0.1"]),
    ("https://mixed.example/", [PUBLIC, "::1"]),
]


def never_asked(host: str, port: int) -> Sequence[str]:
    """A resolver that nobody may ask."""
    raise AssertionError(f"{host} was looked up")


def never_dialled(address: str, port: int, within_s: float) -> socket.socket:
    """A connection that nobody may make."""
    raise AssertionError(f"{address} was connected to")


def noting(dialled: list[tuple[str, int]]) -> Callable[[str, int, float], socket.socket]:
    """A connection to nobody, which is written down."""

    def dial(address: str, port: int, within_s: float) -> socket.socket:
        dialled.append((address, port))
        return socket.socket()

    return dial


def connected(guard: Guard, url: str, *, within_s: float = 5.0) -> socket.socket:
    """A connection as a sender would open it."""
    found = guard.target(url)
    return guard.connect(found, Deadline(found.host, within_s))


def test_the_table_holds_at_least_forty_hostile_targets() -> None:
    assert len(HOSTILE) >= 40


@pytest.mark.parametrize(("url", "answer"), HOSTILE)
def test_a_hostile_target_is_refused_before_any_connection(
    url: str, answer: Sequence[str] | None
) -> None:
    resolve = never_asked if answer is None else lambda host, port: answer
    guard = Guard(resolve=resolve, dial=never_dialled)
    with pytest.raises(ForbiddenTargetError) as refused:
        connected(guard, url)
    assert refused.value.problem == "forbidden_target"


def test_the_second_answer_of_a_rebinding_name_is_never_asked_for() -> None:
    """A public address for the check and 127.0.0.1 for the connection: the check's is dialled."""
    answers = iter([[PUBLIC], [LOOPBACK]])
    dialled: list[tuple[str, int]] = []
    guard = Guard(resolve=lambda host, port: next(answers), dial=noting(dialled))
    connected(guard, "https://rebind.example:8443/").close()
    assert dialled == [(PUBLIC, 8443)]
    assert next(answers) == [LOOPBACK]


def test_the_real_connection_goes_to_the_pinned_address_without_another_look_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two receivers, one port, two addresses of the loopback: the name's first answer is met."""
    answers = iter([["127.0.0.2"], ["127.0.0.3"]])
    guard = Guard(allow=["panel.example"], resolve=lambda host, port: next(answers))
    with (
        receiver(always(200, b"pinned"), address="127.0.0.2") as right,
        receiver(always(200, b"other"), address="127.0.0.3", port=right.port) as wrong,
    ):
        monkeypatch.setattr(socket, "getaddrinfo", never_asked)
        sender = Sender(guard)
        request = Request(
            method="GET", target=guard.target(f"http://panel.example:{right.port}/hook")
        )
        for _ in range(3):
            assert sender.send(request, within_s=5, cap=100).body == b"pinned"
        sender.close()
        assert [seen.headers["host"] for seen in right.seen] == [f"panel.example:{right.port}"] * 3
        assert wrong.seen == []


def test_each_new_connection_is_checked_anew() -> None:
    with receiver(always(200, Connection="close")) as there:

        def dial(address: str, port: int, within_s: float) -> socket.socket:
            # A public address, of which only this receiver plays the part.
            assert address == PUBLIC
            return socket.create_connection((LOOPBACK, port), within_s)

        answers = iter([[PUBLIC], ["169.254.169.254"]])
        guard = Guard(plain_http=True, resolve=lambda host, port: next(answers), dial=dial)
        sender = Sender(guard)
        request = Request(method="GET", target=guard.target(f"http://rebind.example:{there.port}/"))
        assert sender.send(request, within_s=5, cap=100).status == 200
        with pytest.raises(ForbiddenTargetError, match=r"169\.254\.169\.254 is a link-local"):
            sender.send(request, within_s=5, cap=100, repeatable=True)
        sender.close()
        assert len(there.seen) == 1


@pytest.mark.parametrize(
    ("allow", "url"),
    [
        ("panel.internal", "http://panel.internal/"),
        ("panel.internal", "http://PANEL.internal.:22/"),
        ("panel.internal", "https://panel.internal/"),
        ("Panel.Internal", "https://panel.internal/"),
        ("例子.测试", "https://xn--fsqu00a.xn--0zwm56d/"),
        ("127.0.0.1", "http://127.0.0.1:8080/"),
        ("::1", "http://[0::1]:8080/"),
        ("localhost", "http://localhost:8080/"),
    ],
)
def test_what_is_allowed_by_name_is_connected_to_wherever_it_lies(allow: str, url: str) -> None:
    dialled: list[tuple[str, int]] = []
    guard = Guard(allow=[allow], resolve=lambda host, port: ["10.0.0.7"], dial=noting(dialled))
    connected(guard, url).close()
    assert [address for address, _ in dialled] in (["10.0.0.7"], [allow])


@pytest.mark.parametrize(
    "url",
    [
        "https://other.internal/",
        "https://sub.panel.internal/",
        "https://panel.internal.example/",
        "https://xpanel.internal/",
        "http://127.0.0.2/",
        "http://2130706433/",
        "http://[::ffff:127.0.0.1]/",
    ],
)
def test_allowing_a_host_allows_that_name_alone_and_not_another_that_leads_there(
    url: str,
) -> None:
    guard = Guard(
        allow=["panel.internal", "127.0.0.1"],
        resolve=lambda host, port: ["127.0.0.1"],
        dial=never_dialled,
    )
    with pytest.raises(ForbiddenTargetError):
        connected(guard, url)


def test_an_allowed_host_that_is_none_is_refused_when_the_guard_is_made() -> None:
    with pytest.raises(BadSiteNameError, match="it has a \\*"):
        Guard(allow=["*.internal"])


def test_plain_http_opens_http_to_public_hosts_and_to_no_others() -> None:
    guard = Guard(plain_http=True, resolve=lambda host, port: [LOOPBACK], dial=never_dialled)
    assert guard.target("http://shop.example/").port == 80
    with pytest.raises(ForbiddenTargetError, match="port 25"):
        guard.target("http://shop.example:25/")
    with pytest.raises(ForbiddenTargetError, match="loopback"):
        connected(guard, "http://shop.example/")


def test_a_target_that_another_guard_has_let_pass_is_looked_at_again() -> None:
    lenient = Guard(allow=["panel.internal"], plain_http=True)
    strict = Guard(resolve=lambda host, port: [PUBLIC], dial=never_dialled)
    for url in ("http://shop.example/", "http://panel.internal/", "https://panel.internal:22/"):
        with pytest.raises(ForbiddenTargetError):
            strict.connect(lenient.target(url), Deadline("host", 5))


def _raising(error: BaseException) -> Callable[[str, int], Sequence[str]]:
    def resolve(host: str, port: int) -> Sequence[str]:
        raise error

    return resolve


@pytest.mark.parametrize(
    ("resolve", "expected"),
    [
        (_raising(socket.gaierror(socket.EAI_NONAME, "")), NameNotFoundError),
        (_raising(socket.gaierror(socket.EAI_AGAIN, "")), LookupFailedError),
        (_raising(socket.gaierror(socket.EAI_FAIL, "")), LookupFailedError),
        (_raising(ConnectionResetError()), LookupFailedError),
        (lambda host, port: [], NameNotFoundError),
    ],
)
def test_a_name_that_leads_nowhere_has_its_own_error(
    resolve: Callable[[str, int], Sequence[str]], expected: type[OutboundError]
) -> None:
    with pytest.raises(expected, match=r"hooks\.example"):
        connected(Guard(resolve=resolve, dial=never_dialled), "https://hooks.example/?whisper")


def test_a_resolver_that_hangs_holds_a_request_no_longer_than_its_deadline() -> None:
    over = threading.Event()

    def resolve(host: str, port: int) -> Sequence[str]:
        over.wait()
        return [PUBLIC]

    with pytest.raises(TimedOutError, match=r"within 0\.2 seconds"):
        connected(Guard(resolve=resolve), "https://hooks.example/", within_s=0.2)
    over.set()


def test_an_address_that_swallows_everything_leaves_time_for_the_next_one() -> None:
    given: list[float] = []

    def dial(address: str, port: int, within_s: float) -> socket.socket:
        given.append(within_s)
        if address == PUBLIC_6:
            raise TimeoutError
        return socket.socket()

    guard = Guard(resolve=lambda host, port: [PUBLIC_6, PUBLIC], dial=dial)
    connected(guard, "https://hooks.example/", within_s=10).close()
    assert 4 < given[0] <= 5
    assert 9 < given[1] <= 10


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (ConnectionRefusedError(), ConnectionRefusedByHostError),
        (TimeoutError(), TimedOutError),
        (OSError(101, "Network is unreachable"), UnreachableError),
    ],
)
def test_a_host_that_nobody_can_connect_to_has_its_own_error(
    failure: OSError, expected: type[OutboundError]
) -> None:
    def dial(address: str, port: int, within_s: float) -> socket.socket:
        raise failure

    with pytest.raises(expected, match=r"hooks\.example"):
        connected(Guard(resolve=lambda host, port: [PUBLIC], dial=dial), "https://hooks.example/")


@pytest.fixture
def full_queue() -> Iterator[int]:
    """A port of the loopback whose queue of connections is full, so that it answers none."""
    with socket.socket() as listening:
        listening.bind((LOOPBACK, 0))
        listening.listen(0)
        port = int(listening.getsockname()[1])
        waiting = []
        for _ in range(4):
            channel = socket.socket()
            channel.setblocking(False)
            channel.connect_ex((LOOPBACK, port))
            waiting.append(channel)
        yield port
        for channel in waiting:
            channel.close()


def test_a_real_host_that_does_not_take_the_connection_is_given_up_at_the_deadline(
    full_queue: int,
) -> None:
    guard = Guard(allow=[LOOPBACK])
    with pytest.raises(TimedOutError):
        connected(guard, f"http://{LOOPBACK}:{full_queue}/", within_s=0.2)


def test_a_real_port_without_a_server_refuses() -> None:
    with talker(silent) as gone:
        pass
    with pytest.raises(ConnectionRefusedByHostError, match=f"port {gone.port}"):
        connected(Guard(allow=[LOOPBACK]), f"http://{LOOPBACK}:{gone.port}/")


def test_a_stranger_leads_to_no_host_that_is_allowed_by_name() -> None:
    guard = Guard(allow=["10.0.0.7"], plain_http=True)
    inside = "http://10.0.0.7:8080/"
    assert guard.target(inside).host == "10.0.0.7"
    strict = guard.for_redirects_of("https://stranger.example/")
    assert guard.for_redirects_of(inside) is guard
    with pytest.raises(ForbiddenTargetError):
        strict.target(inside)
