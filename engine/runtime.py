"""What a process works with: settings, database, company, and a vendor behind each port.

Built once in the command that starts the process and passed down; there is no global.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.business import Business, load_business
from engine.crm import Crm
from engine.errors import SettingsInvalid
from engine.llm import LLM
from engine.llm import tiers as llm_tiers
from engine.llm.tiers import Tiers
from engine.mail import Mailer
from engine.mail.sent_folder import SentFolder
from engine.mail.sns import Certificates
from engine.postgres import Database
from engine.settings import Settings
from engine.slack import Slack
from engine.sops import Procedures


@dataclass(frozen=True, slots=True)
class Runtime:
    settings: Settings
    database: Database
    business: Business
    tiers: Tiers
    llm: LLM
    slack: Slack
    mailer: Mailer
    crm: Crm | None
    procedures: Procedures = field(default_factory=Procedures)
    certificates: Certificates = field(default_factory=Certificates)
    sent_folder: SentFolder = field(default_factory=SentFolder)


def build_runtime(settings: Settings, database: Database) -> Runtime:
    """Every vendor's real SDK, pointed to where the settings say.

    Raises SettingsInvalid where live mode would talk to a stand-in.
    """
    stand_ins = settings.stand_ins()
    if settings.mode == "live" and stand_ins:
        raise SettingsInvalid(f"{stand_ins[0]} is a stand-in's address; live mode refuses it")
    from engine.crm import adapters
    from engine.llm import claude
    from engine.mail import ses
    from engine.mail.rehearsal import readdressed
    from engine.slack import web_api

    business = load_business(settings.seeds_dir / "business.yaml")
    return Runtime(
        settings=settings,
        database=database,
        business=business,
        tiers=llm_tiers.from_settings(settings),
        llm=claude.from_settings(settings),
        slack=web_api.from_settings(settings),
        mailer=readdressed(ses.from_settings(settings, business), settings),
        crm=adapters.from_settings(settings),
    )
