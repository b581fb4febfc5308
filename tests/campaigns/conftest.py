"""A small company with its web process, for campaigns are answered in Slack and the browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world import Company, company


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Company]:
    with company(database, tmp_path) as here:
        yield here
