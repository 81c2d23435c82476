"""The variables that name a Redis or Valkey, for the services that use one."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from pydantic.types import SecretStr

from service_kit.store.redis_address import RedisAddress


def _redis(url: SecretStr) -> SecretStr:
    RedisAddress.parse(url.get_secret_value())
    return url


class RedisSettings(BaseModel):
    """`REDIS_URL`, or the address in parts. Source of the parts: the names that images of Redis document."""

    redis_url: Annotated[SecretStr, AfterValidator(_redis)] | None = Field(None, alias="REDIS_URL")
    redis_host: Annotated[str, StringConstraints(pattern=r"^[\w.:-]+$")] | None = Field(None, alias="REDIS_HOST")
    redis_port: int = Field(6379, alias="REDIS_PORT", ge=1, le=65535)
    redis_user: SecretStr | None = Field(None, alias="REDIS_USER")
    redis_password: SecretStr | None = Field(None, alias="REDIS_PASSWORD")
    redis_db: int = Field(0, alias="REDIS_DB", ge=0)
    use_redis: bool = Field(True, alias="USE_REDIS")

    def redis_address(self) -> str | None:
        """Returns the server's address as a URL, or None if none is named or `USE_REDIS` is false. `REDIS_URL` goes
        before the parts."""
        if not self.use_redis:
            return None
        if self.redis_url is not None:
            return self.redis_url.get_secret_value()
        if self.redis_host is None:
            return None
        host = f"[{self.redis_host}]" if ":" in self.redis_host else self.redis_host
        return f"redis://{self._credentials()}{host}:{self.redis_port}/{self.redis_db}"

    def _credentials(self) -> str:
        user, password = (
            quote(part.get_secret_value(), safe="") if part else "" for part in (self.redis_user, self.redis_password)
        )
        return f"{user}:{password}@" if user or password else ""
