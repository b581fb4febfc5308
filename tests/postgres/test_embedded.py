"""The embedded server as several processes see it: shared, killed, stale, refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from engine.postgres import binaries
from engine.postgres.binaries import Account, account_for
from engine.postgres.cluster import Cluster
from engine.postgres.embedded import EmbeddedFailed, EmbeddedPostgres
from tests.databases import fast_place

PROJECT = Path(__file__).resolve().parents[2]
# Uses the server until its standard input ends.
USER = """
import json, sys
from pathlib import Path
from engine.postgres.embedded import EmbeddedFailed, EmbeddedPostgres

postgres = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
try:
    postgres.start()
except EmbeddedFailed as error:
    sys.exit(str(error))
print(json.dumps(postgres._cluster.postmaster()), flush=True)
sys.stdin.read()
print(json.dumps(postgres.release()), flush=True)
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another account")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that any account may enter, with a space in its path."""
    with tempfile.TemporaryDirectory(prefix="engine tests ", dir=fast_place()) as place:
        Path(place).chmod(0o755)
        yield Path(place) / "data"


@pytest.fixture
def postgres(folder: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(folder, durable=False) as postgres:
        yield postgres
        postgres.stop()


def ask(postgres: EmbeddedPostgres, query: str) -> object:
    with psycopg.connect(postgres.dsn(), autocommit=True) as conn:
        cursor = conn.execute(query.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def pid_of(postgres: EmbeddedPostgres) -> int:
    pid = postgres._cluster.postmaster()
    assert pid is not None
    return pid


def start_user(folder: Path, program: str = USER, **options: object) -> subprocess.Popen[str]:
    if "user" in options and not _may_run(Path(sys.executable), options["user"]):
        pytest.skip(f"an ordinary user may not run {sys.executable}")
    return subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        cwd="/",
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )


def _may_run(program: Path, user: object) -> bool:
    """Whether that account can reach the interpreter: root's own home is closed to it."""
    try:
        tried = subprocess.run(
            [program, "-c", ""],
            user=user,  # type: ignore[arg-type]
            group=user,  # type: ignore[arg-type]
            check=False,
            capture_output=True,
            cwd="/",
        )
    except PermissionError:
        return False
    return tried.returncode == 0


def told(user: subprocess.Popen[str]) -> object:
    assert user.stdout is not None
    return json.loads(user.stdout.readline())


def test_is_postgresql_on_a_private_socket_with_safe_settings(folder: Path) -> None:
    with EmbeddedPostgres(folder) as postgres:
        assert ask(postgres, "show listen_addresses") == ""
        assert ask(postgres, "show fsync") == "on"
        assert ask(postgres, "show synchronous_commit") == "on"
        assert ask(postgres, "show server_encoding") == "UTF8"
        assert ask(postgres, "select lower('ÄÖ')") == "äö"
        assert postgres._cluster.socket_dir.stat().st_mode & 0o077 == 0
    assert not postgres.running()
    assert not postgres._cluster.socket_dir.exists()


def test_keeps_its_data_over_a_stop_and_a_crash(postgres: EmbeddedPostgres) -> None:
    ask(postgres, "create table kept as select 7 as n")
    postgres.stop()
    postgres.start()
    assert ask(postgres, "select n from kept") == 7
    postgres.restart("immediate")
    assert ask(postgres, "select n from kept") == 7


def test_ignores_what_the_environment_says_about_other_servers(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    monkeypatch.setenv("PGHOST", "example.org")
    monkeypatch.setenv("PGDATA", "/nowhere")
    with EmbeddedPostgres(folder, durable=False) as postgres:
        assert ask(postgres, "select 1") == 1


def test_processes_that_start_at_once_share_one_server(folder: Path) -> None:
    users = [start_user(folder) for _ in range(4)]
    servers = {told(user) for user in users}
    assert len(servers) == 1
    # communicate() closes standard input, which lets them go one after another.
    released = [json.loads(user.communicate()[0]) for user in users]
    assert released == [False, False, False, True]
    assert not EmbeddedPostgres(folder).running()


def test_a_killed_user_leaves_a_server_that_the_next_one_stops(folder: Path) -> None:
    user = start_user(folder)
    server = told(user)
    user.kill()
    user.communicate()
    postgres = EmbeddedPostgres(folder, durable=False)
    assert postgres.running()
    postgres.start()
    assert pid_of(postgres) == server
    assert postgres.release() is True
    assert not postgres.running()


def test_who_forgets_to_release_does_so_at_the_end(folder: Path) -> None:
    forgetful = USER.partition("print(json.dumps(postgres.release")[0]
    # A forked child comes to its end first, and leaves the server alone.
    forked = "import os\nif not os.fork(): sys.exit()\nos.wait()\nassert postgres.running()"
    user = start_user(folder, program=forgetful + forked)
    told(user)
    user.communicate()
    assert user.returncode == 0
    assert not EmbeddedPostgres(folder).running()


def test_starts_again_after_the_server_was_killed(postgres: EmbeddedPostgres) -> None:
    ask(postgres, "create table kept as select 7 as n")
    # With somebody connected, whose process takes a moment to see that it is alone.
    conn = psycopg.connect(postgres.dsn())
    os.kill(pid_of(postgres), signal.SIGKILL)
    postgres.start()
    conn.close()
    assert ask(postgres, "select n from kept") == 7


def test_a_dead_servers_number_may_belong_to_somebody_else_by_now(
    postgres: EmbeddedPostgres,
) -> None:
    postgres.stop()
    (postgres.folder / "postmaster.pid").write_text(f"{os.getpid()}\n{postgres.folder}\n")
    assert not postgres.running()
    postgres.start()
    assert ask(postgres, "select 1") == 1


def test_a_making_that_was_killed_is_begun_anew(folder: Path) -> None:
    (folder / "postgres.making").mkdir(parents=True)
    (folder / "postgres.making" / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(folder, durable=False) as postgres:
        assert ask(postgres, "select 1") == 1


def test_data_of_another_major_version_are_refused(postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    (postgres.folder / "PG_VERSION").write_text("14\n")
    with pytest.raises(EmbeddedFailed, match=r"written by PostgreSQL 14, .* brings 18\.\d+; carry"):
        postgres.start()


def test_a_folder_that_is_no_database_is_refused(folder: Path) -> None:
    (folder / "postgres").mkdir(parents=True)
    with pytest.raises(EmbeddedFailed, match=r"is no PostgreSQL data; move it away"):
        EmbeddedPostgres(folder).start()


def test_a_server_that_does_not_start_says_why(postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    with (postgres.folder / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")
    with pytest.raises(EmbeddedFailed, match=r"contains errors; see .*server\.log"):
        postgres.start()


def test_a_socket_folder_that_others_may_enter_is_refused(postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    socket_dir = postgres._cluster.socket_dir
    socket_dir.mkdir(mode=0o700)
    socket_dir.chmod(0o755)
    try:
        with pytest.raises(EmbeddedFailed, match="is not private to the server; remove it"):
            postgres.start()
    finally:
        socket_dir.rmdir()


def test_without_the_wheel_it_says_what_to_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "find_spec", lambda _: None)
    with pytest.raises(EmbeddedFailed, match="not installed; set DATABASE_URL"):
        EmbeddedPostgres(folder).start()


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What stands in /var/lib for root, in a place that goes away again."""
    with tempfile.TemporaryDirectory(prefix="engine-state-", dir=fast_place()) as place:
        Path(place).chmod(0o755)
        monkeypatch.setattr(binaries, "STATE", Path(place) / "sop-engine")
        yield Path(place) / "sop-engine"


@as_root
def test_root_keeps_data_elsewhere_when_the_project_is_closed_to_others(
    folder: Path, state: Path
) -> None:
    folder.parent.chmod(0o700)
    with EmbeddedPostgres(folder, durable=False) as postgres:
        ask(postgres, "create table kept as select 7 as n")
        assert postgres.folder.parent == state
        assert (folder / "postgres").readlink() == postgres.folder
    with EmbeddedPostgres(folder, durable=False) as postgres:
        assert ask(postgres, "select n from kept") == 7

    # Whoever removes the data folder begins with an empty database.
    (folder / "postgres").unlink()
    with EmbeddedPostgres(folder, durable=False) as postgres:
        assert ask(postgres, "select to_regclass('kept')") is None
    (folder / "postgres").unlink()
    (folder / "postgres").symlink_to(state / "gone")
    with pytest.raises(EmbeddedFailed, match="which is gone; bring it back, or remove the link"):
        EmbeddedPostgres(folder, durable=False).start()


@as_root
def test_root_copies_the_programs_out_when_they_are_closed_to_others(
    folder: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = binaries._package()
    closed = folder.parent / "closed"
    closed.mkdir(mode=0o700)
    for part in (package, package.parent / f"{package.name}.libs"):
        (closed / part.name).symlink_to(part)
    monkeypatch.setattr(binaries, "_package", lambda: closed / package.name)
    with EmbeddedPostgres(folder, durable=False) as postgres:
        command = Path(f"/proc/{pid_of(postgres)}/exe").readlink()
    with EmbeddedPostgres(folder, durable=False):
        pass
    assert command.is_relative_to(state)
    assert [path.name for path in state.iterdir()] == [command.relative_to(state).parts[0]]


@as_root
def test_an_ordinary_user_is_told_that_root_was_here_first(postgres: EmbeddedPostgres) -> None:
    if not Account(65534, 65534).may_enter(Path(sys.executable).parent):
        pytest.skip("an ordinary user cannot reach this Python")
    folder = postgres.data_dir
    os.chown(folder, 65534, 65534)
    for path in folder.glob("postgres.*"):
        os.chown(path, 65534, 65534)
    user = start_user(folder, user=65534, group=65534, extra_groups=[])
    _, complaint = user.communicate()
    if account_for(postgres.folder) == Account(65534, 65534):
        assert user.returncode == 0
    else:
        assert "belongs to another account (was it first started as root?)" in complaint
        assert complaint.count("\n") == 1


def test_a_path_too_long_for_a_socket_is_told_the_cure(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Cluster, "socket_dir", Path("/tmp") / ("x" * 90))
    with pytest.raises(EmbeddedFailed, match="too long for a socket; set TMPDIR"):
        EmbeddedPostgres(folder, durable=False).start()
