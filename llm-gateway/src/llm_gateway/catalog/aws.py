"""Whether AWS is configured here, and for which region, as the settings say; no server is asked."""

from __future__ import annotations

from configparser import ConfigParser, Error
from pathlib import Path

from llm_gateway.settings import GatewaySettings


def aws_region(settings: GatewaySettings) -> str | None:
    """Returns AWS_REGION, else AWS_DEFAULT_REGION, else what the profile's section of AWS's configuration file says."""
    return settings.aws_region or settings.aws_default_region or _region_of_profile(settings)


def aws_missing(settings: GatewaySettings, *, has_api_key: bool) -> str | None:
    """Returns what to set before AWS can be called, or None if nothing is missing; `has_api_key` says that
    Bedrock's own key is set."""
    ways = (
        has_api_key,
        settings.aws_access_key_id and settings.aws_secret_access_key,
        settings.aws_profile,
        settings.aws_web_identity_token_file and settings.aws_role_arn,
        settings.aws_container_relative_uri,
        settings.aws_container_full_uri,
        settings.aws_use_instance_role,
    )
    if not any(ways):
        return "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE or AWS_USE_INSTANCE_ROLE=true"
    return None if aws_region(settings) else "set AWS_REGION"


def aws_credential_variable(settings: GatewaySettings) -> str | None:
    """Returns the name of the variable that the credentials come from, or None for a role, which needs none."""
    if settings.aws_access_key_id:
        return "AWS_ACCESS_KEY_ID"
    return "AWS_PROFILE" if settings.aws_profile else None


def bedrock_url(settings: GatewaySettings) -> str | None:
    """Returns the base URL of Bedrock's models in the configured region, or None without a region."""
    region = aws_region(settings)
    if region is None:
        return None
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://bedrock-runtime.{region}.{domain}"


def _region_of_profile(settings: GatewaySettings) -> str | None:
    profile = settings.aws_profile
    if not profile:
        return None
    section = profile if profile == "default" else f"profile {profile}"
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read(Path(settings.aws_config_file or "~/.aws/config").expanduser(), encoding="utf-8")
    except (Error, OSError, UnicodeDecodeError, RuntimeError):
        return None
    return parser.get(section, "region", fallback=None)
