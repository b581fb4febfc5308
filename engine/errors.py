"""Every failure the engine can name, in one tree.

The docstring of a class is its message; what is particular (which vendor, which
key) is passed in and put behind it. `code` is the stable word that events and the
`error` column hold: no customer data ever stands in a code.
"""

from __future__ import annotations


class EngineError(Exception):
    """Something went wrong in the engine."""

    code = "engine_error"

    def __init__(self, detail: str = "", **facts: object) -> None:
        self.detail = detail
        self.facts = facts
        message = (type(self).__doc__ or "").strip().split("\n\n")[0].rstrip(".")
        super().__init__(f"{message}: {detail}" if detail else f"{message}.")


class SettingsInvalid(EngineError):
    """The settings cannot be used."""

    code = "settings_invalid"


class SchemaMismatch(EngineError):
    """The database's schema is not the one this program was written for."""

    code = "schema_mismatch"


class HashKeyUnknown(EngineError):
    """SECRET_KEY is not the key under which this database keeps opt-outs and replies"""

    code = "hash_key_unknown"


class SopInvalid(EngineError):
    """The procedure cannot be used."""

    code = "sop_invalid"


class ContextLacking(EngineError):
    """The task would lack what its procedure reads."""

    code = "context_lacking"


class NotFound(EngineError):
    """There is no such thing."""

    code = "not_found"


class NotAllowed(EngineError):
    """This person may not do that."""

    code = "not_allowed"


class AlreadyAnswered(EngineError):
    """Somebody else was first."""

    code = "already_answered"


class AnswerInvalid(EngineError):
    """The answer does not fit the question."""

    code = "answer_invalid"


class TaskClosed(EngineError):
    """The task is not in a state that allows this."""

    code = "task_closed"


class ContextTooLarge(EngineError):
    """The task would carry more data than a task may."""

    code = "context_too_large"


class StepFailed(EngineError):
    """The step cannot do what it is meant to do; trying again would not help."""

    code = "step_failed"


class ReplyInvalid(EngineError):
    """The model's reply is not the object that was asked for."""

    code = "reply_invalid"


class RunLost(EngineError):
    """Another worker has taken this task over; nothing more may be written here."""

    code = "run_lost"


class Held(EngineError):
    """A stop, a pause or a cancellation holds this effect back."""

    code = "held"


class InDoubt(EngineError):
    """The effect may or may not have happened, and only a person can tell."""

    code = "in_doubt"


class VendorError(EngineError):
    """A vendor did not do what it was asked to.

    `vendor` is one of claude, slack, mail, crm, http. `detail` holds the vendor's own
    error code, never its message: messages quote addresses.
    """

    code = "vendor_error"

    def __init__(self, vendor: str, detail: str = "", **facts: object) -> None:
        self.vendor = vendor
        super().__init__(f"{vendor} {detail}".strip(), **facts)
        self.detail = detail


class Refused(VendorError):
    """The vendor refused; the same call would be refused again."""

    code = "refused"


class Unauthorised(Refused):
    """The vendor does not accept our credential."""

    code = "unauthorised"


class Unreachable(VendorError):
    """The vendor took nothing from us; the call may be made again."""

    code = "unreachable"


class RateLimited(VendorError):
    """The vendor asks us to wait. `retry_after` is in seconds."""

    code = "rate_limited"

    def __init__(self, vendor: str, detail: str = "", *, retry_after: float = 5.0) -> None:
        self.retry_after = retry_after
        super().__init__(vendor, detail)


class Ambiguous(VendorError):
    """The call went out and no answer came back: it may or may not have been carried out.

    For a read or a model call this is only a failure. For an effect it means that
    nobody may call again before the matter is settled.
    """

    code = "ambiguous"
