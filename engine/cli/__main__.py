"""`python -m engine.cli`: how the demo starts its processes; people start `python -m engine`."""

from engine.cli import cli

cli(prog_name="bin/engine")
