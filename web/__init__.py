"""The web process: pages for people, and the addresses that vendors post to.

`create_app` puts it together from a `Runtime`; nothing here is global. Pages only read
and call the engine's verbs; what those refuse comes back as an error that `errors.py`
turns into a page. The stand-ins under `web/local` are another app and no part of this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask

if TYPE_CHECKING:
    from engine.runtime import Runtime


def create_app(runtime: Runtime) -> Flask:
    # Here and not above: the stand-ins stand in this package and need none of it.
    from web import (
        account,
        auth,
        batches,
        collisions,
        errors,
        health,
        inbox,
        layout,
        outlook,
        security,
        signed_in,
        task_acts,
        tasks,
    )
    from web.assets import Assets
    from web.webhooks import leads, ses, slack, unsubscribe

    app = Flask(__name__)
    app.extensions["runtime"] = runtime
    assets = Assets()
    csrf = security.install(app, runtime.settings, assets)
    errors.install(app)
    collisions.install(app)
    signed_in.install(app)
    layout.install(app, runtime, assets)
    for module in (auth, account, inbox, batches, outlook, tasks, task_acts, health):
        app.register_blueprint(module.blueprint)
    # Signed by whoever posts to them, or, for unsubscribing, pressed by a machine.
    for module in (slack, leads, ses, unsubscribe):
        csrf.exempt(module.blueprint)
        app.register_blueprint(module.blueprint)
    return app
