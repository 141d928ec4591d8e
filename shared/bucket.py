"""Where contents are kept, if that is a bucket of S3 or of a store that speaks as it does.

Owns: what of it must be said, and what production refuses. Nothing is taken from the machine's own surroundings: keys
and addresses stand in the settings alone.
"""

import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

Encryption = Literal["AES256", "aws:kms"]
_url = re.compile(
    r"s3://(?P<name>[a-z0-9][a-z0-9-]{1,61}[a-z0-9])(?:/(?P<prefix>[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*))?/?"
)
_endpoint = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/?")
_region = re.compile(r"[a-z0-9-]{1,40}")


@dataclass(frozen=True, slots=True)
class Bucket:
    """`is_path_style`: whether the bucket stands in the path; otherwise in the name of the host."""

    name: str
    prefix: str | None
    endpoint: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)
    encryption: Encryption | None
    kms_key: str | None
    is_path_style: bool

    def require_fit_for_production(self) -> None:
        """Raises ValueError that names the setting."""
        if self.is_plain:
            raise ValueError("store_endpoint: contents and their keys travel over https; http is for development only")
        if self.encryption is None:
            raise ValueError("store_encryption: say how the store encrypts what it keeps, AES256 or aws:kms")

    @property
    def is_plain(self) -> bool:
        """Whether what is sent can be read on its way."""
        return not self.endpoint.startswith("https://")

    @property
    def address(self) -> str:
        """Where requests go: the endpoint, with the bucket in its name where that is the style."""
        if self.is_path_style:
            return self.endpoint
        scheme, _, host = self.endpoint.partition("://")
        return f"{scheme}://{self.name}.{host}"


def bucket_of(
    url: str, *, endpoint: str | None, region: str, access_key: str | None, secret_key: str | None,
    encryption: Encryption | None, kms_key: str | None, is_path_style: bool,
) -> Bucket:  # fmt: skip
    """Raises ValueError that names the setting, never its value."""
    place = _url.fullmatch(url)
    if place is None:
        raise ValueError("store_url: a bucket and a place in it, e.g. s3://bucket/market")
    if not _region.fullmatch(region):
        raise ValueError("store_region: a region has small letters, digits and hyphens")
    if endpoint is not None and (not _endpoint.fullmatch(endpoint) or urlsplit(endpoint).hostname is None):
        raise ValueError("store_endpoint: scheme, host and port, e.g. https://s3.example")
    if not access_key or not secret_key:
        raise ValueError("store_access_key: set it and YAOSU_STORE_SECRET_KEY; nothing else is looked for")
    if (kms_key is not None) != (encryption == "aws:kms"):
        raise ValueError("store_kms_key: name one where store_encryption is aws:kms, and only there")
    return Bucket(
        place["name"], place["prefix"], (endpoint or f"https://s3.{region}.amazonaws.com").rstrip("/"), region,
        access_key, secret_key, encryption, kms_key, is_path_style,
    )  # fmt: skip
