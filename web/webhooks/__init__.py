"""What vendors and forms post to us: verified, stored, acknowledged, acted on later.

Whatever is not signed as it should be gets 401 and leaves no trace but a line in the
log; what cannot be stored gets 503, so that the sender tries again. Nothing here waits
for a worker.
"""

from __future__ import annotations

from flask import request

# A card's click carries the whole message; a lead's form is far below either.
LONGEST_BODY = 1024 * 1024


def raw_body(longest: int = LONGEST_BODY) -> bytes:
    """The body as it was signed, before anything parses it; 413 beyond `longest`."""
    request.max_content_length = longest
    return request.get_data(cache=True, parse_form_data=False)
