"""What can be set from outside, as WENYUAN_… in the environment or as an option of a command."""

import os
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

_ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="WENYUAN_", env_ignore_empty=True, extra="forbid")

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8000, ge=0, le=65535, description="0 takes any free port")
    data_dir: Path = Field(default_factory=lambda: _default_data_dir(), description="holds the collections")
    model: str = Field(default="builtin", min_length=1, description="“builtin”, a folder or a hub's name")
    reranker: str | None = Field(
        default=None, min_length=1, description="a CrossEncoder that orders hits: a folder or a hub's name"
    )
    rerank_hits: int = Field(default=30, ge=1, le=100, description="how many of the best hits it judges")
    max_body_bytes: int = Field(default=1 << 20, ge=1, description="longest request body that is read")
    max_upload_bytes: int = Field(default=256 << 20, ge=1, description="longest upload that is read")
    api_key: SecretStr | None = Field(default=None, description="asked for on every route; several by commas")
    cors_origins: str = Field(
        default="", description="pages that may ask from a browser, several by commas; * for any"
    )
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/?#\s]+(/[^?#\s]*)?$",
        description="what links shown elsewhere begin with",
    )
    llm_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/?#\s]+(/[^?#\s]*)?$",
        description="of a service that speaks OpenAI's API, to /v1",
    )
    llm_model: str | None = Field(
        default=None, description="that writes the answers; none, and they are quotes"
    )
    llm_key: SecretStr | None = None
    llm_timeout_s: float = Field(default=30, gt=0, description="longest silence of the language model")

    @property
    def api_keys(self) -> tuple[str, ...]:
        given = self.api_key.get_secret_value() if self.api_key else ""
        return tuple(key.strip() for key in given.split(",") if key.strip())


def sample_documents() -> Path | None:
    """The folder of sample documents that a checkout has beside the package."""
    folder = _ROOT / "seeds"
    return folder if folder.is_dir() else None


def _default_data_dir() -> Path:
    """`data/` of a checkout, wherever a command is run; else the user's own data folder."""
    if (_ROOT / "pyproject.toml").is_file():
        return _ROOT / "data"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "wenyuan"
