"""One PostgreSQL data folder and the server that serves it: made, started, stopped.

Whoever calls these verbs must be alone in doing so; `embedded.py` sees to that.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from engine.postgres.binaries import (
    Account,
    Binaries,
    EmbeddedFailed,
    account_for,
    binaries_for,
    state_folder,
)

SUPERUSER = "engine"
PORT = 5432
PATIENCE_SECONDS = 60
# The kernel's limit is 104 bytes on macOS, 108 on Linux.
SOCKET_PATH_LIMIT = 100


class StillDying(EmbeddedFailed):
    """A killed server's last processes have not all gone."""


class Cluster:
    """The data folder `postgres` in `data_dir`, or the one that a link of that name means."""

    def __init__(self, data_dir: Path, settings: Mapping[str, str]) -> None:
        self.data_dir = data_dir
        self.settings = settings
        self._link = data_dir / "postgres"

    @property
    def folder(self) -> Path:
        return self._link.resolve()

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @cached_property
    def _account(self) -> Account | None:
        return account_for(self.folder)

    @cached_property
    def _binaries(self) -> Binaries:
        return binaries_for(self._account)

    @cached_property
    def socket_dir(self) -> Path:
        """Short, and the same for every process that means this data folder."""
        uid = self._account.uid if self._account else os.geteuid()
        top = "/tmp" if os.access("/tmp", os.W_OK) else tempfile.gettempdir()  # noqa: S108
        return Path(top) / f"sop-engine-{uid}-{_digest(self.data_dir)}"

    def initialise(self) -> None:
        """Make the data folder, unless it is there; refuse one that is not ours to run."""
        if not self._link.exists():
            self._initdb()
        try:
            theirs = (self.folder / "PG_VERSION").read_text().strip()
        except PermissionError:
            raise EmbeddedFailed(
                f"{self.folder} belongs to another account (was it first started as root?);"
                " start it as that one again, or set ENGINE_DATA_DIR to another folder"
            ) from None
        except OSError:
            raise EmbeddedFailed(f"{self.folder} is no PostgreSQL data; move it away") from None
        if theirs != self._binaries.major:
            raise EmbeddedFailed(
                f"{self.folder} was written by PostgreSQL {theirs}, and this release brings"
                f" {self._binaries.version}; carry it over with pg_dump from the old release,"
                " or move the folder away to begin with an empty database"
            )

    def launch(self) -> None:
        """Start the server; it must not be running."""
        # Left by a server that was killed. PostgreSQL sees through that by itself, unless
        # the dead one's number belongs to somebody else by now, or to a zombie for which
        # nobody has waited yet.
        (self.folder / "postmaster.pid").unlink(missing_ok=True)
        settings = {**self.settings, "unix_socket_directories": str(self._private_socket_dir())}
        done = self._binaries.run(
            "pg_ctl",
            *("start", "--wait", "--timeout", str(PATIENCE_SECONDS)),
            *("--pgdata", self.folder, "--log", self.log),
            *("--options", " ".join(f"-c {shlex.quote(f'{k}={v}')}" for k, v in settings.items())),
        )
        if done.returncode:
            why = _complaint(self.log) or _last_line(done.stderr)
            kind = StillDying if "shared memory block" in why else EmbeddedFailed
            raise kind(f"{why}; see {self.log}")

    def stop(self, mode: str) -> None:
        """Stop the server if it runs."""
        if self.postmaster() is not None:
            done = self._binaries.run(
                "pg_ctl",
                *("stop", "--wait", "--timeout", str(PATIENCE_SECONDS)),
                *("--mode", mode, "--pgdata", self.folder),
            )
            if done.returncode and self.postmaster() is not None:
                raise EmbeddedFailed(f"it does not stop: {_last_line(done.stderr)}")
        shutil.rmtree(self.socket_dir, ignore_errors=True)

    def postmaster(self) -> int | None:
        """The process that serves this folder, if it lives."""
        try:
            pid = int((self.folder / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        command = _command(pid)
        return pid if "postgres" in command and str(self.folder) in command else None

    def _initdb(self) -> None:
        if self._link.is_symlink():
            raise EmbeddedFailed(
                f"{self._link} points to {self._link.readlink()}, which is gone; bring it back,"
                " or remove the link to begin with an empty database"
            )
        account = self._account
        here = account is None or account.may_enter(self.data_dir)
        making = self.data_dir / "postgres.making" if here else _elsewhere(self.data_dir)
        # Left by somebody who was killed at this very point.
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        if account:
            os.chown(making, account.uid, account.gid)
        done = self._binaries.run(
            "initdb",
            *("--pgdata", making, "--username", SUPERUSER),
            *("--auth-local=trust", "--auth-host=reject", "--encoding=UTF8", "--no-locale"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"),
            *(["--no-sync"] if self.settings.get("fsync") == "off" else []),
        )
        if done.returncode:
            shutil.rmtree(making, ignore_errors=True)
            raise EmbeddedFailed(f"initdb: {_last_line(done.stderr)}")
        if here:
            making.rename(self._link)
        else:
            self._link.symlink_to(making)

    def _private_socket_dir(self) -> Path:
        folder, account = self.socket_dir, self._account
        if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) > SOCKET_PATH_LIMIT:
            raise EmbeddedFailed(f"{folder} is too long for a socket; set TMPDIR to a shorter path")
        folder.mkdir(mode=0o700, exist_ok=True)
        if account and folder.lstat().st_uid == 0:
            os.chown(folder, account.uid, account.gid, follow_symlinks=False)
        facts = folder.lstat()
        owner = account.uid if account else os.geteuid()
        # /tmp is everybody's: a folder that others may enter would give them the database.
        if folder.is_symlink() or facts.st_uid != owner or facts.st_mode & 0o077:
            raise EmbeddedFailed(f"{folder} is not private to the server; remove it")
        for stale in folder.glob(".s.PGSQL.*"):
            stale.unlink()
        return folder


def _elsewhere(data_dir: Path) -> Path:
    """A new folder for what the server's account cannot reach in `data_dir`. Its name is
    random, so that a removed data folder means an empty database, as it does everywhere."""
    return Path(tempfile.mkdtemp(prefix=f"data-{_digest(data_dir)}-", dir=state_folder()))


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _command(pid: int) -> str:
    """The command line of a process; empty when there is none."""
    try:
        return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).replace("\0", " ")
    except OSError:
        if Path("/proc/self").exists():
            return ""
    ask = ["/bin/ps", "-ww", "-p", str(pid), "-o", "command="]
    return subprocess.run(ask, capture_output=True, text=True, check=False).stdout  # noqa: S603


def _complaint(log: Path) -> str:
    """What the server said last before it gave up."""
    try:
        lines = log.read_text(errors="replace").splitlines()[-20:]
    except OSError:
        return ""
    fatal = [line for line in lines if "FATAL:" in line or "PANIC:" in line]
    return fatal[-1].split(": ", 1)[-1].strip() if fatal else ""


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no reason given"
