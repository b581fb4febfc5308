"""What an error of the SES SDK means in the engine's own words.

SES has no idempotency key, so an answer that does not say clearly that a mail was refused or
accepted is Ambiguous: every 5xx is, for the mail may have been queued before the server fell over.
"""

from __future__ import annotations

import re
import ssl
from typing import Any, NoReturn

from engine.errors import Ambiguous, RateLimited, Refused, Unauthorised, Unreachable, VendorError

THROTTLED = {"TooManyRequestsException", "Throttling", "ThrottlingException", "SlowDown"}
QUOTA_WAIT = 900.0
UNAUTHORISED = {
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "NotAuthorized",
    "OptInRequired",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}


def translate(error: Exception) -> NoReturn:
    from botocore import exceptions as boto

    if isinstance(error, boto.ClientError):
        raise _refusal(error) from None
    if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError):
        raise Unauthorised("mail", "no_credentials") from None
    if isinstance(error, boto.ParamValidationError):
        raise Refused("mail", "parameters_invalid") from None
    if isinstance(
        error,
        boto.EndpointConnectionError
        | boto.ConnectTimeoutError
        | boto.ProxyConnectionError
        | boto.InvalidEndpointDiscoveryConfigurationError
        | boto.NoRegionError,
    ):
        raise Unreachable("mail", type(error).__name__) from None
    if isinstance(error, boto.SSLError) and _certificate_refused(error):
        raise Unreachable("mail", "certificate_refused") from None
    # Dropped, timed out, an answer that nobody can read, or what we do not know.
    raise Ambiguous("mail", type(error).__name__) from None


def _refusal(error: Any) -> VendorError:
    """SES answered with an error. Its message may quote an address, so only the code goes on."""
    facts = error.response.get("ResponseMetadata", {})
    status = int(facts.get("HTTPStatusCode", 0))
    code = re.sub(r"[^A-Za-z0-9]", "", str(error.response.get("Error", {}).get("Code", "")))[:80]
    if status == 429 or code in THROTTLED:
        return RateLimited("mail", code, retry_after=_retry_after(facts))
    if code == "LimitExceededException":
        return RateLimited("mail", code, retry_after=QUOTA_WAIT)
    if status in {401, 403} or code in UNAUTHORISED:
        return Unauthorised("mail", code)
    if 400 <= status < 500 and status != 408 and not code.startswith("RequestTimeout"):
        return Refused("mail", code)
    return Ambiguous("mail", f"{code} {status}")


def _retry_after(facts: dict[str, Any]) -> float:
    try:
        return min(max(float(facts.get("HTTPHeaders", {}).get("retry-after", "")), 0.0), 3600.0)
    except ValueError:
        return 5.0


def _certificate_refused(error: BaseException) -> bool:
    """Whether the handshake failed, before anything was sent."""
    seen = [error]
    for one in seen:
        if isinstance(one, ssl.SSLCertVerificationError):
            return True
        inner = [getattr(one, "kwargs", {}).get("error"), one.__cause__, *one.args]
        seen += [e for e in inner if isinstance(e, BaseException) and e not in seen]
    return False
