"""Every setting, declared once. Read from the environment (or a `.env` file) at start.

`.env.example` lists the same fields, and a test holds the two together. Secrets are
`SecretStr`, so that a stray print or log line shows stars.
"""

from __future__ import annotations

import os
import secrets
from datetime import time
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from engine import settings_file
from engine.errors import SettingsInvalid

Mode = Literal["demo", "rehearsal", "live"]
CrmKind = Literal["json", "hubspot"]
PortNumber = Annotated[int, Field(ge=1, le=65535)]
AtLeastOne = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Vendor = Literal["claude", "slack", "mail", "imap", "crm"]
PROJECT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_file=settings_file.NAME, env_ignore_empty=True, extra="ignore", frozen=True
    )

    mode: Annotated[Mode, Field(validation_alias="ENGINE_MODE")] = "demo"
    """demo: all vendors are stand-ins. rehearsal: customer mail goes to the owner. live."""
    database_url: str = ""
    """PostgreSQL 15 or later. Empty: the embedded one under ENGINE_DATA_DIR."""
    data_dir: Annotated[Path, Field(validation_alias="ENGINE_DATA_DIR")] = PROJECT / ".data"
    """Where the embedded database and the demo's files stand."""
    seeds_dir: Annotated[Path, Field(validation_alias="ENGINE_SEEDS_DIR")] = PROJECT / "seeds"
    """business.yaml, agents, procedures and the local world."""
    secret_key: SecretStr = SecretStr("")
    """Signs cookies and links, and hashes what must be recognised later. 32 bytes or more of
    randomness. A new one goes in front, with a comma: it signs, the last one goes on hashing."""
    encryption_keys: SecretStr = SecretStr("")
    """id:base64 pairs, newest first, separated by commas. Encrypt the credentials table."""
    log_format: Literal["console", "json"] = "console"

    web_base_url: str = "http://127.0.0.1:8080"
    """How people and vendors reach the web process; used in links and unsubscribe addresses."""
    web_port: Annotated[PortNumber, Field(validation_alias="PORT")] = 8080
    web_threads: AtLeastOne = 8
    webhook_secret: SecretStr = SecretStr("")
    """Signs the web form's posts to /webhooks/leads."""

    anthropic_api_key: SecretStr = SecretStr("")
    anthropic_base_url: str = ""
    model_tier_1: str = "claude-haiku-5-5"
    model_tier_2: str = "claude-sonnet-5-5"
    model_tier_3: str = "claude-opus-5-5"
    price_tier_1: str = "0.10,0.50,0.125,0.01;100000:0.50,2.50,0.625,0.05"
    """USD per million tokens: in, out, cache write, cache read; behind a semicolon the
    prices of prompts above so many tokens."""
    price_tier_2: str = "2,10,2.50,0.10"
    price_tier_3: str = "4,20,5,0.20"
    confidence_threshold: Annotated[float, Field(ge=0, le=1)] = 0.7
    """Below this a model's result is uncertain, unless the step says otherwise."""
    llm_timeout_seconds: Positive = 60
    llm_max_tokens: AtLeastOne = 4000

    slack_bot_token: SecretStr = SecretStr("")
    slack_signing_secret: SecretStr = SecretStr("")
    slack_base_url: str = ""
    slack_team_id: str = ""
    """Only people of this team may answer. Empty: any team that signs correctly."""
    slack_timeout_seconds: Positive = 10
    channel_leads: str = "#leads-incoming"
    channel_billing: str = "#billing"
    channel_scheduling: str = "#scheduling"
    channel_marketing: str = "#marketing"
    channel_ops_log: str = "#ops-log"
    channel_escalations: str = "#escalations"

    aws_access_key_id: SecretStr = SecretStr("")
    aws_secret_access_key: SecretStr = SecretStr("")
    ses_region: str = "us-east-1"
    ses_endpoint_url: str = ""
    ses_configuration_set: str = ""
    sns_topic_arn: str = ""
    """The one topic whose posts to /webhooks/ses are believed. Empty: none."""
    sns_endpoint_url: str = ""
    ses_sends_per_second: Annotated[float, Field(ge=0)] = 1
    mail_timeout_seconds: Positive = 20
    rehearsal_address: str = ""
    """In rehearsal every customer mail goes here instead, and says so."""

    imap_host: str = ""
    imap_port: PortNumber = 993
    imap_tls: bool = True
    imap_user: str = ""
    imap_password: SecretStr = SecretStr("")
    imap_folder: str = "INBOX"
    sent_folder_check: bool = True
    """Whether the mailbox's sent mail is looked at before a customer is written to."""

    crm_kind: CrmKind = "json"
    """What the CRM speaks: the contract of engine/crm/openapi.yaml, or HubSpot's API."""
    crm_base_url: str = ""
    """Empty: no CRM; its steps become cards with the fields to copy."""
    crm_api_key: SecretStr = SecretStr("")
    """The Bearer key, or the token of HubSpot's private app."""
    hubspot_properties: str = ""
    """FIELD=property pairs: which property of the portal holds what HubSpot has no own for."""
    crm_timeout_seconds: Positive = 15
    crm_calls_per_second: Annotated[float, Field(ge=0)] = 10

    http_allowed_hosts: str = ""
    """Hosts that an api_call step may call, separated by commas."""

    worker_concurrency: AtLeastOne = 10
    """Tasks carried at the same time by one worker process."""
    lease_seconds: Positive = 30
    lease_renewal_seconds: Positive = 10
    pool_size: AtLeastOne = 4
    """Database connections one process may hold for its own work."""
    turn_steps: AtLeastOne = 10
    turn_seconds: Positive = 15
    """After so many steps or seconds a task goes to the back of its queue."""
    abandoned_threads_limit: AtLeastOne = 5
    shutdown_seconds: Annotated[float, Field(ge=0)] = 20

    undo_seconds: Annotated[int, Field(ge=0, le=300)] = 30
    """How long "send as is" may be taken back; 0 to 300."""
    batch_undo_seconds: Annotated[int, Field(ge=0)] = 300
    """The same for the drafts of a campaign, approved together or one by one."""
    erase_after_days: Annotated[int, Field(ge=0)] = 30
    """Grace period after a task's end before its customer data is erased; may be 0."""
    question_deadline_hours: Positive = 8
    """Business hours after which an unanswered question is brought up in #escalations."""
    marketing_gap_days: Annotated[int, Field(ge=0)] = 14
    thread_mails_per_day: AtLeastOne = 10
    """So many mails a day may go to and fro about one matter; more are a machine's."""
    keep_calendar: Literal["auto", "yes", "no"] = "auto"
    """Whether mail waits on holidays, and what rings at night. auto: yes, but not in the demo,
    which somebody may well try on a Christmas night."""
    budget_warning_usd: Decimal = Decimal(1)
    budget_alert_usd: Decimal = Decimal(3)
    budget_critical_usd: Decimal = Decimal(5)
    budget_month_usd: Decimal = Decimal(30)
    summary_at: time = time(19, 0)
    outlook_at: time = time(18, 0)
    """When it is told what comes until the end of tomorrow, by the company's clock."""
    timezone: str = "America/Chicago"

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, ZoneInfoNotFoundError):
            raise ValueError(f"there is no time zone {name!r}; one is America/Chicago") from None
        return name

    @field_validator("web_base_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ValueError(f"{url!r} is no address; it looks like https://office.example.com")
        return url

    @property
    def calendar_is_kept(self) -> bool:
        return self.keep_calendar == "yes" or (self.keep_calendar == "auto" and self.mode != "demo")

    @property
    def http_hosts(self) -> frozenset[str]:
        return frozenset(
            host.strip() for host in self.http_allowed_hosts.split(",") if host.strip()
        )

    def stand_ins(self) -> list[str]:
        """The settings that lead to a stand-in on this machine instead of a vendor."""
        addresses = ("anthropic_base_url", "slack_base_url", "ses_endpoint_url", "crm_base_url")
        # Whoever stands at this address says which certificates to believe.
        believed = ["SNS_ENDPOINT_URL"] if self.sns_endpoint_url else []
        return [
            name.upper()
            for name in addresses
            if urlsplit(getattr(self, name)).hostname in ("127.0.0.1", "localhost", "::1")
        ] + believed

    def channel(self, name: str) -> str:
        """The channel that stands under this name, or the name itself where it is one."""
        return getattr(self, f"channel_{name}", name)

    @cached_property
    def secret_keys(self) -> tuple[str, ...]:
        """The newest first. A comma too many makes no key: nothing may be hashed under none."""
        keys = (key.strip() for key in self.secret_key.get_secret_value().split(","))
        return tuple(filter(None, keys)) or ("",)

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


def read_settings(**overrides: object) -> Settings:
    """Settings from the environment; raises SettingsInvalid that names each bad one."""
    try:
        settings_file.names(Path(settings_file.NAME))
    except ValueError as error:
        raise SettingsInvalid(str(error)) from None
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]
        if not settings.secret_key.get_secret_value():
            settings = settings.model_copy(update={"secret_key": _local_secret(settings)})
        return settings
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, e['loc'])).upper()}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors()
        )
        raise SettingsInvalid(f"{wrong} (see .env.example)") from None


def _local_secret(settings: Settings) -> SecretStr:
    """In the demo the key is made once and kept beside the embedded database's data."""
    if settings.mode != "demo":
        raise SettingsInvalid(
            "SECRET_KEY is empty; make one with: python3 -c 'import secrets;"
            " print(secrets.token_urlsafe(48))' (see .env.example)"
        )
    file = settings.data_dir / "secret_key"
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            return SecretStr(file.read_text())
        with os.fdopen(handle, "w") as opened:
            opened.write(secrets.token_urlsafe(48))
        return SecretStr(file.read_text())
    except OSError as error:
        raise SettingsInvalid(f"ENGINE_DATA_DIR: {file}: {error.strerror}") from None
