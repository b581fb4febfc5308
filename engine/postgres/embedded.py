"""A PostgreSQL of our own, for when DATABASE_URL is unset: demo, tests, a first look.

One server per data folder, on a unix socket only. Every process that uses it holds a
shared lock while it does; the last to `release` it stops it, however the others ended.
A process that was killed leaves the server up, and whoever comes next joins it. The
folder and the server are `cluster.py`'s, the programs and who runs them `binaries.py`'s.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from urllib.parse import quote

import psycopg

from engine.postgres.binaries import EmbeddedFailed
from engine.postgres.cluster import PATIENCE_SECONDS, PORT, SUPERUSER, Cluster, StillDying

__all__ = ["EmbeddedFailed", "EmbeddedPostgres"]

DATABASE = "engine"
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "jit": "off",
    # Three processes less, for a server that reads next to nothing from disk.
    "io_method": "sync",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
# A machine that loses its power loses the data; a server that is killed does not, since
# what it has committed is with the kernel. Tests that kill it rely on that.
FORGETFUL = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


class EmbeddedPostgres:
    """The server of one data folder. `durable=False` is for tests: quick, and kept in
    memory by the kernel alone."""

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self.data_dir = Path(data_dir).resolve()
        self._cluster = Cluster(self.data_dir, SETTINGS if durable else SETTINGS | FORGETFUL)
        self._share: int | None = None

    def start(self) -> str:
        """Start the server, or join the one that runs; the DSN of database `engine`.

        Who ends without a `release` makes it then, unless they are killed or replaced.
        """
        with self._alone():
            self._take_share()
            try:
                self._cluster.initialise()
                self._answer()
                self._create_database()
            except BaseException:
                self._give_up_share()
                raise
        return self.dsn()

    def release(self) -> bool:
        """We need it no longer; stop it if nobody else does. True when it was stopped."""
        if self._share is None:
            return False
        with self._alone():
            last = self._give_up_share()
            if last:
                self._cluster.stop("fast")
            return last

    def stop(self) -> None:
        """Stop it, whoever uses it."""
        with self._alone():
            self._give_up_share()
            self._cluster.stop("fast")

    def restart(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop and start; `immediate` is a crash to those connected."""
        with self._alone():
            self._cluster.stop(mode)
            self._answer()

    def revive(self) -> bool:
        """Start it again where it has died under us; True when it had."""
        if self.running():
            return False
        with self._alone():
            self._answer()
        return True

    def running(self) -> bool:
        return self._cluster.postmaster() is not None

    def dsn(self, database: str = DATABASE) -> str:
        socket = quote(str(self._cluster.socket_dir), safe="")
        return f"postgresql://{SUPERUSER}@/{database}?host={socket}&port={PORT}"

    @property
    def folder(self) -> Path:
        """Where the data stand: in `data_dir`, or where root's stand-in could reach them."""
        return self._cluster.folder

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _answer(self) -> None:
        """Return once the server takes connections, having launched it if need be."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                if not self.running():
                    self._cluster.launch()
                psycopg.connect(self.dsn("postgres"), connect_timeout=5).close()
            except (psycopg.OperationalError, StillDying) as error:
                if time.monotonic() > deadline:
                    raise EmbeddedFailed(f"{error}".splitlines()[-1]) from None
                time.sleep(0.1)
            else:
                return

    def _create_database(self) -> None:
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as conn:
            if not conn.execute(f"select from pg_database where datname = '{DATABASE}'").rowcount:
                conn.execute(f"create database {DATABASE}")

    # Who uses it -------------------------------------------------------------------

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process starts or stops this server meanwhile."""
        lock = self._open("postgres.lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _take_share(self) -> None:
        if self._share is None:
            self._share = self._open("postgres.users")
            fcntl.flock(self._share, fcntl.LOCK_SH)
            atexit.register(self._release_at_exit, os.getpid())

    def _release_at_exit(self, pid: int) -> None:
        # A forked child ends with its parent's handlers, but the share is the parent's.
        if os.getpid() == pid:
            self.release()

    def _give_up_share(self) -> bool:
        """True when we had one, and nobody else has."""
        if self._share is None:
            return False
        try:
            fcntl.flock(self._share, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            return True
        finally:
            os.close(self._share)
            self._share = None

    def _open(self, name: str) -> int:
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.data_dir / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise EmbeddedFailed(
                f"{self.data_dir} cannot be written ({error.strerror}); set ENGINE_DATA_DIR to a"
                " folder of yours"
            ) from None
        if os.geteuid() == 0:
            # Whoever owns the folder must be able to start without root the next time.
            os.fchown(lock, self.data_dir.stat().st_uid, -1)
        return lock
