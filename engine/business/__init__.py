"""The company, as `seeds/business.yaml` describes it: everything that makes the procedures
this company's and not another's. Read once at start, by `build_runtime`.

`company.py` is the model, `reading.py` the file, `hours.py` when the office is open,
`calendar.py` what may not go out now,
`seasons.py` what is on offer, `texts.py` what is said of the company.
"""

from engine.business.calendar import NotNow, customer_mail, ringing
from engine.business.company import Business, Holiday, Season, Service
from engine.business.hours import (
    business_time_between,
    is_business_time,
    next_business_moment,
)
from engine.business.reading import load_business
from engine.business.seasons import is_selling, season_to_sell
from engine.business.texts import footer, introduction

__all__ = [
    "Business",
    "Holiday",
    "NotNow",
    "Season",
    "Service",
    "business_time_between",
    "customer_mail",
    "footer",
    "introduction",
    "is_business_time",
    "is_selling",
    "load_business",
    "next_business_moment",
    "ringing",
    "season_to_sell",
]
