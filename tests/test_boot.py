"""bin/engine on machines that lack something, in a project of one package.

The project is made up: the real launcher, a lock that names one tiny wheel in a local
folder, and a command that says what it sees. So nothing here needs a network.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
PYTHON = Path(sys._base_executable).resolve()  # type: ignore[attr-defined]
TOOLS = ("sh", "dirname", "readlink", "mkdir", "rm", "cp", "cmp", "grep", "sleep")
CLI = """
import os, sys
import answer
print("answer", answer.VERSION, "in", os.getcwd(), "to", sys.argv[1:])
"""


class Machine:
    """A project, an empty home, and a PATH with nothing on it that is not named here."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.project = place / "a project"
        self.venv = self.project / ".venv"
        self.path = place / "bin"
        self.env = {
            "HOME": str(place / "home"),
            "PATH": str(self.path),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(place / "wheels"),
        }
        for folder in (self.path, place / "home", place / "wheels", self.project / "engine"):
            folder.mkdir(parents=True)
        for tool in TOOLS:
            (self.path / tool).symlink_to(str(shutil.which(tool)))
        self.script("python3", f'exec {PYTHON} "$@"')
        shutil.copytree(PROJECT / "bin", self.project / "bin")
        (self.project / "engine" / "__main__.py").write_text(CLI)
        self.lock(1)

    def script(self, name: str, body: str) -> Path:
        path = self.path / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    def lock(self, version: int) -> None:
        """Have requirements-demo.txt name this version of the one package."""
        wheel = self.place / "wheels" / f"answer-{version}-py3-none-any.whl"
        info = f"answer-{version}.dist-info"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("answer.py", f"VERSION = {version}\n")
            archive.writestr(f"{info}/METADATA", f"Name: answer\nVersion: {version}\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lock = f"answer=={version} --hash=sha256:{digest}\n"
        (self.project / "requirements-demo.txt").write_text(lock)

    def engine(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        program = self.begin(*arguments, **environment)
        out, err = program.communicate(timeout=120)
        return subprocess.CompletedProcess(program.args, program.returncode, out, err)

    def begin(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.project / "bin" / "engine", *arguments],
            cwd=self.place,
            env=self.env | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that a start which cannot go on must print last."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if " installing the packages " not in line]
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_the_first_start_installs_and_the_second_just_runs(machine: Machine) -> None:
    first = machine.engine("check", "two words")
    assert first.stdout == f"answer 1 in {machine.place} to ['check', 'two words']\n", first.stderr
    assert first.stderr.count("\n") == 1
    assert "installing the packages of requirements-demo.txt" in first.stderr

    (machine.path / "python3").unlink()
    second = machine.engine()
    assert (second.stdout, second.stderr) == (f"answer 1 in {machine.place} to []\n", "")


def test_runs_by_a_link_and_imports_nothing_from_where_it_is_called(machine: Machine) -> None:
    (machine.place / "engine").mkdir()
    (machine.place / "engine" / "__main__.py").write_text("print('the wrong one')")
    (machine.place / "link").symlink_to(Path("a project") / "bin" / "engine")
    done = subprocess.run(
        [machine.place / "link"],
        cwd=machine.place,
        env=machine.env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("answer 1")


def test_a_changed_lock_is_installed(machine: Machine) -> None:
    machine.engine()
    machine.lock(2)
    done = machine.engine()
    assert done.stdout.startswith("answer 2")
    assert "installing" in done.stderr


def test_two_first_starts_at_once_install_once(machine: Machine) -> None:
    starts = [machine.begin() for _ in range(3)]
    done = [start.communicate(timeout=120) for start in starts]
    assert all(out.startswith("answer 1") for out, _ in done), done
    assert sum("installing the packages of" in err for _, err in done) == 1


def test_an_installation_that_was_killed_is_done_again(machine: Machine) -> None:
    machine.engine()
    (machine.venv / "making").touch()
    shutil.rmtree(next(machine.venv.glob("lib/python*/site-packages")))
    done = machine.engine()
    assert done.stdout.startswith("answer 1"), done.stderr
    assert not (machine.venv / "making").exists()


def test_an_environment_whose_python_is_gone_is_made_again(machine: Machine) -> None:
    machine.engine()
    (machine.venv / "bin" / "python").unlink()
    (machine.venv / "bin" / "python").symlink_to("/nowhere/python3.9")
    assert machine.engine().stdout.startswith("answer 1")


OLD = 'case $2 in print* | *"print(\\"Python"*) echo "Python 3.9" ;; *) exit 1 ;; esac'


def test_too_old_a_python_is_one_line_with_the_cure(machine: Machine) -> None:
    machine.script("python3", OLD)
    said = complaint(machine.engine())
    assert "Python 3.11 or later is needed, and Python 3.9 was found" in said
    assert "apt install" in said
    assert not machine.venv.exists()

    said = complaint(machine.engine(ENGINE_PYTHON=str(machine.path / "python3")))
    assert "ENGINE_PYTHON is Python 3.9, and 3.11 or later is needed" in said


def test_no_python_is_one_line_with_the_cure(machine: Machine) -> None:
    (machine.path / "python3").unlink()
    assert "no Python was found; install it" in complaint(machine.engine())
    assert "there is no /nope" in complaint(machine.engine(ENGINE_PYTHON="/nope"))


def test_a_newer_python_behind_an_old_one_is_found(machine: Machine) -> None:
    machine.script("python3", OLD)
    machine.script("python3.11", f'exec {PYTHON} "$@"')
    assert machine.engine().stdout.startswith("answer 1")


def test_no_network_is_one_line_with_the_cure(machine: Machine) -> None:
    shutil.rmtree(machine.place / "wheels")
    offline = {"PIP_NO_INDEX": "0", "PIP_FIND_LINKS": "", "PIP_INDEX_URL": "http://127.0.0.1:9/"}
    said = complaint(machine.engine(**offline))
    assert "no network: the packages could not be fetched; connect" in said


def test_an_altered_package_is_refused(machine: Machine) -> None:
    wheel = next((machine.place / "wheels").iterdir())
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("worm.py", "")
    assert "a package is not the one that the lock names" in complaint(machine.engine())


def test_a_package_that_does_not_exist_here_is_named_as_that(machine: Machine) -> None:
    shutil.rmtree(machine.place / "wheels")
    said = complaint(machine.engine(PIP_FIND_LINKS=""))
    assert re.search(r"does not exist for this machine and Python 3\.\d+; try another", said)


def test_uv_is_used_first_and_pip_if_uv_cannot(machine: Machine) -> None:
    machine.script("uv", f'echo "$1" >>{machine.place}/asked; exit 2')
    assert machine.engine().stdout.startswith("answer 1")
    assert "venv" in (machine.place / "asked").read_text()


def test_a_python_without_venv_is_one_line_with_the_cure(machine: Machine) -> None:
    lame = machine.path / "lame"
    machine.script(
        "lame",
        f'case "$*" in *realpath*) echo {lame} ;; "-m venv"* | *pip*) exit 1 ;;'
        f' *) exec {PYTHON} "$@" ;; esac',
    )
    assert "apt install python3-venv" in complaint(machine.engine(ENGINE_PYTHON=str(lame)))


def test_a_folder_with_something_else_in_it_is_left_alone(machine: Machine) -> None:
    (machine.place / "mine" / "bin").mkdir(parents=True)
    said = complaint(machine.engine(ENGINE_VENV="mine"))
    assert f"{machine.place}/mine holds something else than a Python environment" in said
    assert (machine.place / "mine" / "bin").exists()


def test_a_place_that_cannot_be_written_is_one_line_with_the_cure(machine: Machine) -> None:
    said = complaint(machine.engine(ENGINE_VENV="/dev/null/venv"))
    assert said == "engine: /dev/null/venv cannot be written; set ENGINE_VENV to a folder of yours"


@pytest.mark.parametrize("wanted", [{"ENGINE_NO_VENV": "1"}, {"DYNO": "web.1"}])
def test_without_an_environment_it_takes_what_is_there(
    machine: Machine, wanted: dict[str, str]
) -> None:
    lacking = complaint(machine.engine(**wanted))
    assert "lacks the packages of requirements.txt" in lacking

    for name in ("answer", "click", "psycopg", "flask"):
        (machine.place / "packages").mkdir(exist_ok=True)
        (machine.place / "packages" / f"{name}.py").write_text("VERSION = 0\n")
    done = machine.engine("web", **wanted, PYTHONPATH=str(machine.place / "packages"))
    assert done.stdout == f"answer 0 in {machine.place} to ['web']\n", done.stderr
    assert not machine.venv.exists()


def pins(name: str) -> set[str]:
    text = (PROJECT / name).read_text()
    return set(re.findall(r"^[\w.-]+==[^ ;\\]+", text, re.MULTILINE))


def test_each_lock_contains_the_smaller_one() -> None:
    assert pins("requirements.txt") < pins("requirements-demo.txt") < pins("requirements-dev.txt")
