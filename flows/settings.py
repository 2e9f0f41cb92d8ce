"""Settings from the environment: `KHOTIN_HOME`, `KHOTIN_DATABASE_URL`, `KHOTIN_SOURCES`, `KHOTIN_TOPICS`,
`KHOTIN_CONTACT`."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

from pydantic import ValidationError, field_validator
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
