"""Workers that are threads: what a pool does, without the second that a process takes to begin."""

import os
import socket
from multiprocessing.connection import Connection as Pipe
from threading import Thread
from typing import Any, ClassVar

from incidents.audit import pool


class WorkerThread:
    """A thread in place of the process that a pool starts at one end of a pipe."""

    begun: ClassVar[list["WorkerThread"]] = []
    pid = 0

    def __init__(self, end: int) -> None:
        self._socket = socket.socket(fileno=os.dup(end))
        pipe: Pipe[Any, Any] = Pipe(os.dup(end))
        self._thread = Thread(target=pool.serve, args=(pipe,), daemon=True)
        self._thread.start()
        self.begun.append(self)

    @property
    def runs(self) -> bool:
        return self._thread.is_alive()

    def kill(self) -> None:
        """The pipe ends; so does the worker, once it has done what it does."""
        self._socket.shutdown(socket.SHUT_RDWR)

    def wait(self) -> int:
        self._thread.join()
        self._socket.close()
        return 0
