"""“Kill the worker now”: in the middle of a send, by SIGKILL, and in the demo alone."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from engine.mail import OutgoingMail
from engine.mail.addresses import Address
from engine.mail.ses import SesMailer
from engine.mail.ses_clients import Clients
from tests.serving import serve
from tests.world import wait_until
from web.local import LocalSettings, create_local_app
from web.local.world import Fault, World

MAIL = OutgoingMail(to="anna@example.com", subject="Hello", text="Hi")
SIGKILLED = -9


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "world.sqlite")


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that would live for long."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (tmp_path / "worker.pid").write_text(str(process.pid))
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def local(world: World, tmp_path: Path) -> Iterator[httpx.Client]:
    settings = LocalSettings(
        engine_url="http://127.0.0.1:9", worker_pid_file=str(tmp_path / "worker.pid")
    )
    with (
        serve(create_local_app(world, settings)) as url,
        httpx.Client(base_url=url, trust_env=False, follow_redirects=True, timeout=30) as client,
    ):
        yield client


def send(local: httpx.Client, key: str = "t1.v1.send") -> None:
    clients = Clients(
        region="us-east-1", endpoint_url=f"{local.base_url}/ses", access_key_id="local",
        secret_access_key="local",
    )  # fmt: skip
    mailer = SesMailer(Address("Office", "office@example.com"), clients)
    mailer.send(MAIL, effect_key=key, timeout=20)


def test_it_dies_in_the_next_send_which_has_arrived(
    local: httpx.Client, world: World, worker: subprocess.Popen[bytes]
) -> None:
    send(local, "t1.v1.earlier")
    assert "The worker dies in the next send" in local.post("/kill/").text
    assert worker.poll() is None
    send(local)
    assert worker.wait(30) == SIGKILLED
    assert len(world.all("outbox")) == 2
    page = local.get("/kill/").text
    assert f"process {worker.pid}, was killed" in page
    assert "“Hello”" in page
    assert "One mail" in page
    assert "The worker dies in the next send" not in page


def test_it_dies_at_once_where_a_send_is_under_way(
    local: httpx.Client, world: World, worker: subprocess.Popen[bytes]
) -> None:
    world.order(Fault("ses", "slow", seconds=3))
    sending = threading.Thread(target=send, args=(local,))
    sending.start()
    wait_until(lambda: world.requests("ses"), seconds=30)
    local.post("/kill/")
    assert worker.wait(30) == SIGKILLED
    sending.join()
    assert len(world.all("worker_kill")) == 1
    assert len(world.all("outbox")) == 1


def test_a_send_that_is_refused_kills_nobody(
    local: httpx.Client, world: World, worker: subprocess.Popen[bytes]
) -> None:
    local.post("/kill/")
    local.post("/ses/v2/email/outbound-emails", json={})
    assert worker.poll() is None
    assert "The worker dies in the next send" in local.get("/kill/").text


def test_an_order_can_be_called_off_and_waits_for_a_worker(
    local: httpx.Client, world: World, worker: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    local.post("/kill/")
    assert "The worker dies in the next send" not in local.post("/kill/spare").text
    send(local)
    assert worker.poll() is None

    local.post("/kill/")
    (tmp_path / "worker.pid").unlink()
    send(local)
    assert "The worker dies in the next send" in local.get("/kill/").text
    assert world.all("worker_kill") == []


def test_only_the_demo_offers_it(world: World) -> None:
    app = create_local_app(world, LocalSettings(engine_url="http://127.0.0.1:9"))
    here = app.test_client()
    assert here.get("/kill/").status_code == 404
    assert here.post("/kill/").status_code == 404
    assert "Kill the worker" not in here.get("/").text
