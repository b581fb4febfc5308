"""The files that are handed out are the ones that they are said to be."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from web.assets import FOLDER, Assets

VENDOR = FOLDER / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text())
PROJECT = FOLDER.parents[1]


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: entry["file"])
def test_a_vendors_file_is_its_release_unchanged(entry: dict[str, str]) -> None:
    content = (VENDOR / entry["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert (VENDOR / entry["licence_file"]).read_text().startswith("# MIT License")


def test_the_manifest_names_every_vendors_file() -> None:
    named = {entry["file"] for entry in MANIFEST} | {entry["licence_file"] for entry in MANIFEST}
    assert {path.name for path in VENDOR.iterdir()} == named | {"manifest.json"}


def test_every_module_that_is_imported_stands_in_the_import_map() -> None:
    imports = json.loads(Assets().import_map)["imports"]
    for script in [FOLDER / "app.js", *(FOLDER / "controllers").glob("*.js")]:
        for name in re.findall(r'^import .*?"([^"]+)"', script.read_text(), re.M):
            assert name in imports, f"{script.name} imports {name}"


def test_an_address_changes_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("one")
    before = Assets(tmp_path).url("a.css")
    (tmp_path / "a.css").write_text("two")
    assert Assets(tmp_path).url("a.css") != before


def test_the_stylesheet_is_compiled_from_the_templates_of_today(tmp_path: Path) -> None:
    beside = Path(sys.executable).with_name("tailwindcss")
    compiler = str(beside) if beside.exists() else shutil.which("tailwindcss")
    if compiler is None:
        pytest.skip("no tailwindcss: it comes with the development environment")
    made = tmp_path / "app.css"
    command = [compiler, "--silent", "--minify", "--input", "web/styles/app.css"]
    subprocess.run([*command, "--output", str(made)], cwd=PROJECT, check=True, timeout=300)
    assert made.read_bytes() == (FOLDER / "app.css").read_bytes(), "run bin/css"
