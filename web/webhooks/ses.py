"""What Amazon SES reports through SNS: verified, stored, answered with 200.

SNS tries again for an hour whatever is not answered with 2xx; what has been stored
before is answered the same way and acted on once. Where Amazon's certificate cannot be
fetched the answer is 503, so that the report comes again.
"""

from __future__ import annotations

import structlog
from flask import Blueprint, Response

from engine import deliveries
from engine.errors import Unreachable
from engine.mail import sns
from engine.mail.sns import SnsInvalid
from web.current import runtime
from web.webhooks import raw_body

blueprint = Blueprint("webhooks_ses", __name__, url_prefix="/webhooks")
log = structlog.get_logger()
# SNS carries 256 KB; JSON within JSON may double it.
LONGEST_POST = 768 * 1024
SOURCES = {"SubscriptionConfirmation": "sns_confirmation"}


@blueprint.post("/ses")
def take_report() -> Response:
    here = runtime()
    try:
        body = raw_body(LONGEST_POST)
        post = sns.read(body, here.settings, here.certificates)
    except SnsInvalid as error:
        log.warning("sns_post_refused", why=error.detail)
        return Response("signature invalid\n", 401, content_type="text/plain")
    except Unreachable as error:
        log.warning("sns_certificate_unreachable", code=error.detail)
        return Response("try again\n", 503, content_type="text/plain")
    source = SOURCES.get(post.kind, "ses")
    kept = post.confirm_url.encode() if source == "sns_confirmation" else body
    with here.database.transaction("accept") as conn:
        deliveries.accept(conn, here.settings, source=source, key=post.message_id, body=kept)
    return Response(status=200)
