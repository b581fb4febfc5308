"""What every answer carries, and what every form must bring: headers, cookies, CSRF.

No script stands in a page but the import map, which the policy names by its hash. Forms
carry a token that is bound to a cookie of their own; webhooks are exempt, for they are
signed by whoever sends them.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, Response, request, session
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from engine import sessions
from engine.errors import SettingsInvalid
from engine.keyed_hash import signing_key
from engine.settings import Settings
from web.assets import YEAR_SECONDS, Assets

SHORTEST_SECRET = 32
# A draft of 50,000 letters, four bytes each, and a form around it.
LONGEST_FORM = 512 * 1024


def install(app: Flask, settings: Settings, assets: Assets) -> CSRFProtect:
    if min(map(len, settings.secret_keys)) < SHORTEST_SECRET:
        raise SettingsInvalid(f"SECRET_KEY needs {SHORTEST_SECRET} characters or more")
    secure = settings.web_base_url.startswith("https://")
    app.config.update(
        SECRET_KEY=signing_key(settings, "forms"),
        SESSION_COOKIE_NAME="__Host-forms" if secure else "forms",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=sessions.LONGEST + timedelta(days=1),
        # A form on a phone may stand open for days; its token lives as long as its cookie.
        WTF_CSRF_TIME_LIMIT=None,
        # Some phones send no Referer. What it would guard against, a cookie planted by
        # another host of the same domain, `__Host-` rules out.
        WTF_CSRF_SSL_STRICT=False,
        MAX_CONTENT_LENGTH=LONGEST_FORM,
        MAX_FORM_MEMORY_SIZE=LONGEST_FORM,
    )
    csrf = CSRFProtect(app)
    if secure:
        # gunicorn speaks no TLS, so whoever does stands in front, and may be believed
        # about the address it was called from.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)
    policy = _policy(assets)

    @app.before_request
    def _keep_forms_alive() -> None:
        # Else a phone that closes its browser in the night loses the cookie of its forms.
        if request.blueprint == "auth" and not session.permanent:
            session.permanent = True

    @app.after_request
    def _headers(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", policy)
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("X-Frame-Options", "DENY")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        if secure:
            headers.setdefault("Strict-Transport-Security", f"max-age={YEAR_SECONDS}")
        if request.endpoint == "static":
            # Under an address with a version a file never changes.
            kept = (
                f"public, max-age={YEAR_SECONDS}, immutable" if "v" in request.args else "no-cache"
            )
            headers["Cache-Control"] = kept
        else:
            headers.setdefault("Cache-Control", "no-store")
        return response

    return csrf


def _policy(assets: Assets) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {assets.import_map_hash}",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )
