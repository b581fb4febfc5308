"""`python -m engine.cli`, which is what bin/engine runs."""

from engine.cli import cli

cli(prog_name="bin/engine")
