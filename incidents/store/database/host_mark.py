"""The mark of the machine that has a SQLite file open, so that no second machine opens it.

SQLite's write-ahead log needs memory that all its users share. Two machines on a shared folder
share no memory: each would silently overwrite data that the other has acknowledged. So a process
that opens the file leaves a mark beside the file, and keeps the mark fresh.
"""

from __future__ import annotations

import hmac
import json
import os
import socket
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from weakref import WeakSet

from incidents.errors import DatabaseError
from incidents.system import disk

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_MACHINE = Path("/etc/machine-id")
_PURPOSE = b"incidents: host mark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One running kernel, and the device of a file as it is mounted there.

    `boot` is the kernel's boot id; None if it is hidden, for example by `ProcSubset=pid` in a unit.
    `machine` is derived from the machine id, None where there is none; `name` is the host name.
    """

    boot: str | None
    machine: str | None
    name: str
    device: int

    def is_same(self, other: Host) -> bool:
        """Whether both hosts share memory when they have the same file open.

        The boot id decides, if both can see it: all containers of a machine have the same boot id,
        and a clone of the machine has a different one. Otherwise they must have the same machine id
        and the same name, so a container that cannot see its boot id shares memory only with
        itself.
        """
        if self.device != other.device:
            return False
        if self.boot is not None and other.boot is not None:
            return self.boot == other.boot
        return self.is_same_machine(other)

    def is_same_machine(self, other: Host) -> bool:
        """Whether both hosts are the same machine, even if it has restarted."""
        return (self.machine, self.name) == (other.machine, other.name)

    def text(self) -> bytes:
        """The text that `read_host` reads."""
        return f"{json.dumps(asdict(self))}\n".encode()


UNKNOWN_HOST = Host(boot=None, machine=None, name="whose name is not known", device=0)
"""A host that equals no other host, because no file has the device 0."""


def this_host(file: Path) -> Host:
    """The host that this process runs on, with the device of that file.

    Raises:
        OSError: if the file does not exist.
    """
    return Host(boot=_boot(), machine=_machine(), name=_name(), device=file.stat().st_dev)


def read_host(text: bytes) -> Host:
    """The host that `text` was written for; `UNKNOWN_HOST` if the text is anything else."""
    try:
        known = json.loads(text)
        boot, machine, name = known["boot"], known["machine"], known["name"]
        device = int(known["device"])
    except (ValueError, KeyError, TypeError):
        return UNKNOWN_HOST
    if not isinstance(name, str) or not all(
        each is None or isinstance(each, str) for each in (boot, machine)
    ):
        return UNKNOWN_HOST
    return Host(boot=boot, machine=machine, name=name, device=device)


# Read once: a process stays the same, even if its machine is renamed.


@cache
def _boot() -> str | None:
    try:
        return _BOOT.read_text(encoding="ascii").strip() or None
    except OSError:
        return None


@cache
def _machine() -> str | None:
    """The hash of the machine id, because machine-id(5) says not to expose the id itself."""
    try:
        id_ = _MACHINE.read_bytes().strip()
    except OSError:
        return None
    return hmac.new(id_, _PURPOSE, sha256).hexdigest()[:32] if len(id_) == 32 else None


@cache
def _name() -> str:
    return socket.gethostname()


BEAT_S = 10.0
GONE_AFTER_S = 60.0
"""The seconds after the last beat of a disconnected machine until it counts as gone."""
CLOSED_AFTER_S = 5.0
"""The same if that machine has closed the file, so that the write-ahead log was deleted."""

_SETTLES_S = 0.5


@dataclass(frozen=True, slots=True)
class _Beat:
    host: Host
    at: float


class HostMark:
    """The mark beside one SQLite file, which must be given by its real path."""

    def __init__(self, database: str) -> None:
        self._database, self._log = Path(database), Path(f"{database}-wal")
        self._file = Path(f"{database}-host")
        self._looked_at: float | None = None

    def look(self) -> None:
        """Do the same as `beat` if the last beat is long ago; called before each transaction.

        Raises:
            DatabaseError: as `beat` does.
        """
        at = self._looked_at
        if at is None or time.monotonic() - at >= BEAT_S:
            self.beat()

    def beat(self) -> None:
        """Leave the mark of this machine, or keep it fresh.

        If no mark can be left, such as on a read-only disk, nothing else can be written either, but
        the data in another machine's log cannot be read.

        Raises:
            DatabaseError: naming the machine that has the file open.
        """
        with suppress(OSError):
            here, last = this_host(self._database), _read(self._file)
            try:
                self._beat(here, last)
            except OSError:
                if last is None or last.host.is_same(here) or not self._log.stat().st_size:
                    raise
                raise self._refusal(last, None) from None
        self._looked_at = time.monotonic()
        _keep_refreshing(self)

    def remove(self) -> None:
        """Delete the mark, if the file is not a database."""
        with suppress(OSError):
            self._file.unlink()

    def refresh(self) -> None:
        """Keep the mark fresh, if it still exists and is this machine's."""
        with suppress(OSError):
            last = _read(self._file)
            if last is not None and last.host.is_same(this_host(self._database)):
                _touch(self._file)

    def _beat(self, here: Host, last: _Beat | None) -> None:
        ours = last is not None and last.host.is_same(here)
        # A mark with another boot id is from before a restart, so nobody's: it is replaced.
        if last is not None and ours and last.host.boot in {None, here.boot}:
            _touch(self._file)
            return
        unnamed = self._file.with_name(f"{self._file.name}.{os.urandom(4).hex()}")
        try:
            self._write(unnamed, here)
            if last is not None and not ours:
                self._refuse_unless_gone(last, here, unnamed.stat().st_mtime)
            if last is not None or not _link_if_free(unnamed, self._file):
                unnamed.replace(self._file)
                time.sleep(0 if ours else _SETTLES_S)
        finally:
            unnamed.unlink(missing_ok=True)
        last = _read(self._file)
        if last is not None and not last.host.is_same(here):
            raise self._refusal(last, last.at)

    def _write(self, file: Path, here: Host) -> None:
        """Write the mark with the mode and owner of the database, as SQLite does for its files."""
        of = self._database.stat()
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as stream:
            os.fchmod(handle, of.st_mode & 0o666)
            if os.geteuid() == 0:
                os.fchown(handle, of.st_uid, of.st_gid)
            stream.write(here.text())

    def _refuse_unless_gone(self, last: _Beat, here: Host, now: float) -> None:
        """Refuse unless the last beat is old; the file system's shared clock gives both times."""
        age = now - last.at
        if last.host.is_same_machine(here) and age > _up_for_s():
            # This machine's own, from before its restart.
            return
        if age < 0:
            # That clock was set back: the mark's age counts from here.
            with suppress(OSError):
                _touch(self._file)
        if age < (GONE_AFTER_S if self._log.exists() else CLOSED_AFTER_S):
            raise self._refusal(last, now)

    def _refusal(self, last: _Beat, now: float | None) -> DatabaseError:
        name = last.host.name
        facts = {"file": self._database, "name": name}
        if now is None:
            return DatabaseError.coded("open_elsewhere", _OPEN + _ONE_MACHINE, **facts)
        seconds = max(0, round(now - last.at))
        sentence = f"{_OPEN}, last seen {{seconds}} s ago{_ONE_MACHINE}"
        return DatabaseError.coded("open_elsewhere_seen", sentence, **facts, seconds=seconds)


_OPEN = "{file} is open on another machine, {name}"
_ONE_MACHINE = (
    ". Two machines that share a SQLite file lose incidents, so this one does not open it. Stop the"
    " program on {name} and try again a minute later, or use PostgreSQL"
)


def _touch(file: Path) -> None:
    os.utime(file, follow_symlinks=False)


def _up_for_s() -> float:
    """The seconds since this machine started, independent of changes to its clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _link_if_free(unnamed: Path, file: Path) -> bool:
    """Give the file its name if the name is free: if two machines try at once, one succeeds.

    False on a file system without hard links.
    """
    try:
        os.link(unnamed, file)
    except FileExistsError:
        pass
    except OSError:
        return False
    return True


def _read(file: Path) -> _Beat | None:
    """The mark, with the time of its last beat by the file system's clock; None without a mark.

    Any other content counts as the mark of a machine without a name.
    """
    try:
        handle = disk.open_own(file)
    except FileNotFoundError:
        return None
    with os.fdopen(handle, "rb") as stream:
        at = os.fstat(handle).st_mtime
        return _Beat(read_host(stream.read(10_000)), at)


_marks: WeakSet[HostMark] = WeakSet()
_refreshing: set[int] = set()


def _keep_refreshing(mark: HostMark) -> None:
    """Keep the marks fresh while the process has the file open, even without transactions."""
    _marks.add(mark)
    if os.getpid() not in _refreshing:
        _refreshing.add(os.getpid())
        threading.Thread(target=_refresh_all, name="host-mark", daemon=True).start()


def _refresh_all() -> None:
    while True:
        time.sleep(BEAT_S)
        # Marks may be added meanwhile; the next round is soon enough for them.
        with suppress(RuntimeError):
            for mark in list(_marks):
                mark.refresh()
