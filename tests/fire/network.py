"""The network: hosts that share a switch, each a network namespace with an address of its own.

Nothing of it is seen outside: the switch is in a namespace, too. A host whose cable is pulled is a
black hole: its address stays known to all, and nothing comes back. A thread that has entered a host
opens its connections there, and so do the threads and processes that it starts.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NoReturn

_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)
_NOBODY = "02:00:0a:42:00:ff"
_OWN = "/proc/thread-self/ns/net"


class Namespace:
    """A network namespace, kept by an open file until `close`."""

    def __init__(self) -> None:
        # In a thread that ends afterwards: the caller stays where it is.
        with ThreadPoolExecutor(1) as pool:
            self._file = pool.submit(_made).result()

    @property
    def path(self) -> str:
        """The file, for processes of others."""
        return f"/proc/{os.getpid()}/fd/{self._file}"

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be in it, with this thread and with all that it starts."""
        before = os.open(_OWN, os.O_RDONLY)
        try:
            _enter(self._file)
            yield
        finally:
            _enter(before)
            os.close(before)

    def ip(self, *words: str) -> None:
        """Run `ip` in it."""
        with self.entered():
            done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (words, done.stderr)

    def processes(self) -> list[int]:
        """All processes in it."""
        own, found = os.fstat(self._file).st_ino, []
        for each in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if (each / "ns/net").stat().st_ino == own and int(each.name) != os.getpid():
                    found.append(int(each.name))
        return found

    def close(self) -> None:
        """It is gone when the last process in it ends."""
        os.close(self._file)


class Host(Namespace):
    """A host with one cable to the switch."""

    def __init__(self, switch: Namespace, number: int) -> None:
        super().__init__()
        self.address = f"10.66.0.{number}"
        self._switch, self._port = switch, f"port{number}"
        self.mac = f"02:00:0a:42:00:{number:02x}"
        switch.ip("link", "add", self._port, "type", "veth", "peer", "name", "cable",
                  "netns", self.path)  # fmt: skip
        switch.ip("link", "set", self._port, "master", "switch", "up")
        self.ip("link", "set", "lo", "up")
        self.ip("link", "set", "cable", "address", self.mac, "up")
        self.ip("address", "add", f"{self.address}/24", "dev", "cable")

    def knows(self, other: Host) -> None:
        """Keep the other's address for good: nothing tells that it is unreachable."""
        self._send_to(other.address, other.mac)

    def forget(self, other: Host) -> None:
        """Send what is for the other to nobody, until this host `knows` it again."""
        self._send_to(other.address, _NOBODY)

    def pull(self) -> None:
        """Pull the cable."""
        self._switch.ip("link", "set", self._port, "down")

    def plug(self) -> None:
        """Plug the cable in again."""
        self._switch.ip("link", "set", self._port, "up")

    def send(self, number: signal.Signals, *, but: str = "") -> None:
        """Send a signal to all that runs there, and to what that starts meanwhile.

        `but`: the name of a program that does not get it.
        """
        sent = {pid for pid in self.processes() if but and _name_of(pid) == but}
        while left := set(self.processes()) - sent:
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            sent |= left

    def _send_to(self, address: str, mac: str) -> None:
        self.ip("neighbour", "replace", address, "lladdr", mac, "dev", "cable", "nud", "permanent")


@contextmanager
def hosts(count: int) -> Iterator[Sequence[Host]]:
    """So many hosts at one switch; what still runs there is killed at the end."""
    with ExitStack() as stack:
        switch = Namespace()
        stack.callback(switch.close)
        switch.ip("link", "add", "switch", "type", "bridge")
        switch.ip("link", "set", "switch", "up")
        made: list[Host] = []
        for number in range(1, count + 1):
            host = Host(switch, number)
            stack.callback(host.close)
            stack.callback(host.send, signal.SIGKILL)
            made.append(host)
        for one in made:
            for other in made:
                if one is not other:
                    one.knows(other)
        yield made


def _name_of(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def _made() -> int:
    if _LIBC.unshare(_CLONE_NEWNET):
        _refused()
    return os.open(_OWN, os.O_RDONLY)


def _enter(file: int) -> None:
    if _LIBC.setns(file, _CLONE_NEWNET):
        _refused()


def _refused() -> NoReturn:
    why = os.strerror(ctypes.get_errno())
    raise PermissionError(f"network namespaces need root (CAP_SYS_ADMIN and CAP_NET_ADMIN): {why}")
