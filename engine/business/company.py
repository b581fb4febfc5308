"""What the business file may say: the model that it is read into.

Every field's description is what the owner is told when the field is missing or wrong.
"""

from __future__ import annotations

import re
from datetime import date
from string import Formatter
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from engine.business.hours import DAY_MINUTES, Hours, Night
from engine.mail.recipients import FormRelay

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
ANY_YEAR = 2000
"""Stands for every year; a leap year, so that 02-29 is a day."""
FOOTER_FIELDS = frozenset({"name", "legal_name", "postal_address", "phone", "website"})


def _address(value: str) -> str:
    if not re.fullmatch(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;]+", value):
        raise ValueError("must be a bare e-mail address, such as office@company.example")
    return value.lower()


def _hours(value: object) -> object:
    if value is None or value == "closed":
        return None
    found = re.fullmatch(r"(\d{1,2}):(\d\d)\s*[-–]\s*(\d{1,2}):(\d\d)", str(value).strip())
    if found is None:
        raise ValueError('must be from and until, such as "08:00-17:00", or closed')
    opens, closes = (int(found[n]) * 60 + int(found[n + 1]) for n in (1, 3))
    if not 0 <= opens < closes <= DAY_MINUTES or int(found[2]) > 59 or int(found[4]) > 59:
        raise ValueError("must open before it closes, between 00:00 and 24:00")
    return Hours(opens, closes)


def _night(value: object) -> object:
    if value is None or value == "none":
        return None
    found = re.fullmatch(r"(\d{1,2}):(\d\d)\s*[-–]\s*(\d{1,2}):(\d\d)", str(value).strip())
    begins, ends = (int(found[n]) * 60 + int(found[n + 1]) for n in (1, 3)) if found else (0, 0)
    if not found or begins == ends or max(begins, ends) >= DAY_MINUTES:
        raise ValueError('must be from and until, such as "21:00-07:00", or none')
    return Night(begins, ends)


def _year_day(value: object) -> object:
    """MM-DD; kept as a day of ANY_YEAR."""
    if isinstance(value, str) and re.fullmatch(r"\d\d-\d\d", value):
        return date.fromisoformat(f"{ANY_YEAR}-{value}")
    raise ValueError('must be a day of the year, such as "04-01"')


def _holiday(value: object) -> object:
    """A day of every year, or YYYY-MM-DD: of that one alone."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)):
        return date.fromisoformat(str(value))
    return _year_day(value)


Address = Annotated[str, AfterValidator(_address)]
QuietHours = Annotated[Night | None, BeforeValidator(_night)]
OpeningHours = Annotated[Hours | None, BeforeValidator(_hours)]
YearDay = Annotated[date, BeforeValidator(_year_day)]
HolidayDay = Annotated[date, BeforeValidator(_holiday)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MailFrom(Part):
    address: Address = Field(description="the address that mails to customers come from")
    name: str = Field(min_length=1, description="the name that customers see beside it")


class Season(Part):
    """A season that begins in one year and ends in the next belongs to the first."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="a short word, such as lawn")
    starts: YearDay = Field(description='its first day, such as "04-01"')
    ends: YearDay = Field(description='its last day, such as "11-15"')
    selling_starts: YearDay = Field(description="the first day on which it is offered")
    selling_ends: YearDay = Field(description="the last day on which it is offered")


class Service(Part):
    name: str = Field(min_length=1, description="as the CRM names it, such as weed_control")
    season: str = Field(description="the name of one of the seasons")
    description: str = Field(min_length=1, description="what it is, as a customer would say it")


class Holiday(Part):
    # Not `on`: YAML reads that as true.
    day: HolidayDay = Field(description="a date, or month and day such as 12-25 for every year")
    name: str = ""

    def falls_on(self, day: date) -> bool:
        if self.day.year == ANY_YEAR:
            return (self.day.month, self.day.day) == (day.month, day.day)
        return self.day == day


class Business(Part):
    """One company."""

    name: str = Field(min_length=1, description="the name that customers know")
    legal_name: str = Field(min_length=1, description="the name in the company's papers")
    about: str = Field(default="", description="one or two sentences that every agent knows")
    postal_address: str = Field(
        min_length=10, description="the address under every mail, as the law asks (CAN-SPAM)"
    )
    phone: str = Field(min_length=7, description="the number that customers may call, in quotes")
    website: str = Field(default="", description="https:// and so on, or nothing")
    mail_from: MailFrom = Field(description="address and name")
    own_addresses: frozenset[Address] = Field(
        default=frozenset(), description="the company's other addresses; mail from them is ours"
    )
    reply_address: str = Field(
        default="", description="where replies go, such as office+{token}@company.example"
    )
    services: tuple[Service, ...] = Field(min_length=1, description="name, season, description")
    seasons: tuple[Season, ...] = Field(min_length=1, description="name, first and last day")
    time_zone: str = Field(default="America/Chicago", description="such as America/Chicago")
    business_hours: dict[Weekday, OpeningHours] = Field(description='such as monday: "08:00-17:00"')
    holidays: tuple[Holiday, ...] = Field(default=(), description="day and name of each")
    quiet_hours: QuietHours = Field(
        default=None, description='when no phone is rung, such as "21:00-07:00", or none'
    )
    signature: str = Field(min_length=1, description="the words that every mail ends with")
    footer: str = Field(
        default="{legal_name} | {postal_address} | {phone}",
        description="the text under the signature",
    )
    unsubscribe: str = Field(
        default="No more offers like this one: {unsubscribe_url}",
        description="the line under commercial mail",
    )
    tone: str = Field(default="", description="how the company speaks to its customers")
    form_relays: tuple[FormRelay, ...] = Field(
        default=(), description="senders that write on behalf of customers"
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("is no time zone; America/Chicago is one") from None
        return value

    @field_validator("footer", "unsubscribe")
    @classmethod
    def _fillable(cls, value: str, info: Any) -> str:
        needed, known = ("postal_address", FOOTER_FIELDS)
        if info.field_name == "unsubscribe":
            needed, known = ("unsubscribe_url", frozenset({"unsubscribe_url", "name"}))
        named = {part[1] for part in Formatter().parse(value) if part[1] is not None}
        if needed not in named or not named <= known:
            told = ", ".join(f"{{{one}}}" for one in sorted(known))
            raise ValueError(f"must hold {{{needed}}}, and may hold {told}")
        return value

    @field_validator("business_hours")
    @classmethod
    def _open_at_all(cls, value: dict[Weekday, Hours | None]) -> dict[Weekday, Hours | None]:
        if not any(value.values()):
            raise ValueError("needs at least one day on which the office is open")
        return value

    @model_validator(mode="after")
    def _seasons_are_known(self) -> Business:
        known = [season.name for season in self.seasons]
        for service in self.services:
            if service.season not in known:
                raise ValueError(
                    f"services: {service.name}: there is no season {service.season};"
                    f" there are {', '.join(known)}"
                )
        return self

    @model_validator(mode="after")
    def _all_own_addresses(self) -> Business:
        ours = {self.mail_from.address, self.reply_address.replace("+{token}", "").lower()}
        object.__setattr__(self, "own_addresses", self.own_addresses | (ours - {""}))
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def opening_hours(self) -> dict[int, Hours]:
        open_days = {day: self.business_hours.get(day) for day in WEEKDAYS}
        return {number: hours for number, hours in enumerate(open_days.values()) if hours}

    def is_holiday(self, day: date) -> bool:
        return any(holiday.falls_on(day) for holiday in self.holidays)

    def season(self, name: str) -> Season:
        for season in self.seasons:
            if season.name == name:
                return season
        raise KeyError(name)
