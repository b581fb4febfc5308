"""Ctrl-C while a command waits for the database: heard at once.

Python acts on a signal between two of its own instructions, and a command that waits for a lock
is inside libpq until the lock is free. What the system says of the signal, another thread reads;
it asks the server to break off, the call returns, and the signal is acted on.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from engine.postgres import Database


@contextmanager
def interruptible(database: Database) -> Iterator[None]:
    """Within, Ctrl-C breaks off the statement that `database` is waiting for."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told, tells = socket.socketpair()
    tells.setblocking(False)
    before = signal.set_wakeup_fd(tells.fileno(), warn_on_full_buffer=False)

    def listen() -> None:
        while signals := told.recv(16):
            if signal.SIGINT in signals:
                database.interrupt()

    threading.Thread(target=listen, name="interruption", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        tells.close()
