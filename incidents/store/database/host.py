"""The host: by what those who share memory know each other, however little each of them may see."""

from __future__ import annotations

import hmac
import json
import socket
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_MACHINE = Path("/etc/machine-id")
_PURPOSE = b"incidents: host mark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One running kernel, and the device of a file as it is mounted there.

    `boot` is the kernel's boot id, None where it is hidden, as `ProcSubset=pid` in a unit does.
    `machine` is derived from the machine id, None where there is none; `name` is the host name.
    """

    boot: str | None
    machine: str | None
    name: str
    device: int

    def is_same(self, other: Host) -> bool:
        """Whether both share memory when they have one file open.

        The boot id decides, if both can see it: all containers of a machine have it, and a clone of
        the machine has another. Otherwise they must have the same machine id and the same name, so
        a container that cannot see it shares with nobody but itself.
        """
        if self.device != other.device:
            return False
        if self.boot is not None and other.boot is not None:
            return self.boot == other.boot
        return self.is_same_machine(other)

    def is_same_machine(self, other: Host) -> bool:
        """Whether they are one machine, perhaps before and after it was started again."""
        return (self.machine, self.name) == (other.machine, other.name)

    def text(self) -> bytes:
        """What `read` reads."""
        return f"{json.dumps(asdict(self))}\n".encode()


UNKNOWN = Host(boot=None, machine=None, name="whose name is not known", device=0)
"""Nobody is the same as this one: no file has the device 0."""


def here(file: Path) -> Host:
    """The host that this process runs on, for that file.

    Raises:
        OSError: if the file is not there.
    """
    return Host(boot=_boot(), machine=_machine(), name=_name(), device=file.stat().st_dev)


def read(text: bytes) -> Host:
    """The host that `text` was written for; `UNKNOWN` if it is anything else."""
    try:
        known = json.loads(text)
        boot, machine, name = known["boot"], known["machine"], known["name"]
        device = int(known["device"])
    except (ValueError, KeyError, TypeError):
        return UNKNOWN
    if not isinstance(name, str) or not all(
        each is None or isinstance(each, str) for each in (boot, machine)
    ):
        return UNKNOWN
    return Host(boot=boot, machine=machine, name=name, device=device)


# Asked once: a process goes on being the same, whatever its machine is called later.


@cache
def _boot() -> str | None:
    try:
        return _BOOT.read_text(encoding="ascii").strip() or None
    except OSError:
        return None


@cache
def _machine() -> str | None:
    """Hashed, since machine-id(5) asks that the id itself is shown to nobody."""
    try:
        id_ = _MACHINE.read_bytes().strip()
    except OSError:
        return None
    return hmac.new(id_, _PURPOSE, sha256).hexdigest()[:32] if len(id_) == 32 else None


@cache
def _name() -> str:
    return socket.gethostname()
