"""A small company for each test, with the vendors' stand-ins on a real port."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world import Company, company


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Company]:
    """The engine without its web process; people answer by `hands`."""
    with company(database, tmp_path, web=False) as here:
        yield here
