"""A world with the stand-in CRM on a real port."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import serve
from web.local import LocalSettings, create_local_app
from web.local.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "world.db")


@pytest.fixture
def url(world: World) -> Iterator[str]:
    with serve(create_local_app(world, LocalSettings(engine_url="http://127.0.0.1:1"))) as base:
        yield f"{base}/crm"
