"""`bin/engine check`: what is configured, what is missing, and the line that cures it.

`installation.py` is what stands on this side (settings, database, keys), `vendors.py` who must
answer, `sending.py` what mail needs: of SES (`ses.py`) and of DNS (`authentication.py`). Nothing
of it stands on the way of a task.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.checks import installation, vendors
from engine.checks.finding import Finding, fail, ok
from engine.errors import EngineError, SettingsInvalid
from engine.mail.dns_records import Records
from engine.postgres import Database
from engine.runtime import build_runtime
from engine.settings import Settings

__all__ = ["Finding", "run"]

# A newcomer gives `check` beside a demo, whose stand-ins are settings of its own processes.
DEMO = "what follows is about a `web` and `worker` of your own; `bin/engine demo` needs none of it"


def run(settings: Settings, records: Records | None = None) -> Iterator[Finding]:
    """Everything from the database to DNS, one finding each; `records` is DNS to ask instead of
    this machine's own."""
    whose = f": {DEMO}" if settings.mode == "demo" else ""
    yield ok("mode", f"{settings.mode}{whose}")
    yield from installation.misspelt()
    yield from installation.database(settings)
    yield from installation.secrets(settings)
    yield from installation.stand_ins(settings)
    pool = Database(settings.database_url, size=1)
    try:
        runtime = build_runtime(settings, pool)
    except SettingsInvalid as error:
        yield fail("settings", error.detail, blocking=True)
        return
    except EngineError as error:
        yield fail("company", str(error), blocking=True)
        return
    yield ok("company", runtime.business.name)
    yield from vendors.findings(runtime, records)
