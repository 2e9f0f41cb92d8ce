"""Settings from the environment: the variables `KHOTIN_...`."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from parsers.errors import UserError

VERSION = version("khotin")
CODE_VERSION = f"khotin {VERSION}"


class Settings(BaseSettings):
    """Where the corpus lives and how we name ourselves to the sites."""

    model_config = SettingsConfigDict(env_prefix="KHOTIN_", frozen=True, extra="ignore")

    home: Path = Path("data")
    """Folder of the embedded database, the raw archive and the exports."""
    database_url: str = ""
    """Database of the store; empty: the SQLite file `khotin.db` in `home`."""
    sources: Path | None = None
    """Folder of source files; None: those that come with khotin."""
    topics: Path | None = None
    """Folder of topic files; None: those that come with khotin."""
    contact: str = ""
    """Address or web page under which a site's owner reaches whoever runs this corpus."""

    sample_newsroom: str = ""
    """`address:port` of a running sample newsroom, where `khotin up --sample` puts it for its runs."""
    prefect_database_url: str = ""
    """Database of Prefect's server under `khotin up`; empty: an SQLite file in `home`/prefect."""
    alert_webhook: str = ""
    """Address that alerts are sent to; empty: whatever stands in the notification block."""
    alert_block: str = ""
    """`type/name` of the notification block that alerts go to; empty: a webhook of our own."""
    alert_hours: float = Field(default=6.0, gt=0, le=24 * 366)
    """So many hours without a successful run of the main job are an alert."""

    @field_validator("alert_webhook")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        value = value.strip()
        if value and not re.fullmatch(r"https?://[!-~]+", value):
            raise ValueError("must be a web address: https://...")
        return value

    @field_validator("alert_block")
    @classmethod
    def _is_block(cls, value: str) -> str:
        if value and not re.fullmatch(r"[a-z0-9-]+/[a-z0-9-]+", value):
            raise ValueError("must be the type and the name of a block, as in slack-webhook/newsroom")
        return value

    @field_validator("sample_newsroom")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if value and not re.fullmatch(r"127\.0\.0\.1:[0-9]{1,5}", value):
            raise ValueError("must be an address of this machine, 127.0.0.1:PORT")
        return value

    @property
    def sample_address(self) -> tuple[str, int] | None:
        """Address and port of the sample newsroom, if there is one."""
        host, _, port = self.sample_newsroom.partition(":")
        return (host, int(port)) if port else None

    @field_validator("contact")
    @classmethod
    def _is_reachable(cls, value: str) -> str:
        value = value.strip()
        if value and not re.fullmatch(r"[!-~]*@[!-~]+\.[!-~]+|https?://[!-~]+", value):
            raise ValueError("must be an e-mail address or the address of a web page")
        return value

    @property
    def store_url(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.home.resolve() / 'khotin.db'}"

    def user_agent(self, *, live: bool) -> str:
        """How requests name us. Raises UserError for live sources when no contact is set."""
        if not live:
            return f"khotin/{VERSION} (sample newsroom)"
        if not self.contact:
            raise UserError(
                "live sources are asked only with an address under which their owners can reach you",
                reason="no-contact",
                hint="set KHOTIN_CONTACT to your e-mail address or web page, or try `khotin ingest --sample`",
            )
        return f"khotin/{VERSION} (+{self.contact})"


def load_settings() -> Settings:
    """Read the environment. Raises UserError that names the variable."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(
            f"KHOTIN_{'.'.join(str(part) for part in item['loc']).upper()}: {item['msg']}"
            for item in error.errors()
        )
        raise UserError(wrong, reason="bad-settings", hint="correct the environment variable") from error
