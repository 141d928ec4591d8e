"""`yaosu verify-certificate`: whether a certificate's file is the register's, and whether it still holds.

Promises: a file with any byte other than the one that was signed is never taken for good; what was not looked at is
said. Offline, only time can have ended a certificate; whether it was revoked, replaced or disputed since, the register
itself says.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2

from services.catalog.rules import certificate as certificate_rules
from services.catalog.rules.certificate import FILE_BYTES_MAX, NotACertificate
from services.catalog.schemas.assets import CertificateKeys
from shared import canonical
from shared.facts import moment
from shared.signing import public_key_of, verifies

GOOD, FORGED, ENDED, UNDECIDED = range(4)
SECONDS_MAX = 10.0
OFFLINE = "not checked: whether it was revoked, replaced or disputed since; ask the register with --url"
Keys = Mapping[str, bytes]  # by key id


@dataclass(frozen=True, slots=True)
class Verdict:
    """The exit code, and what is to be said, the most important first."""

    code: int
    words: tuple[str, ...]


class CannotDecide(Exception):
    """Something that is needed is missing; the message says what."""


def check_file(path: Path, key_file: Path | None, url: str | None, now: datetime) -> Verdict:
    """The verdict on a file, by the keys in a file or at a market; at a market, also on what is so now."""
    try:
        content, keys = _read(path), _keys(key_file, url)
        verdict = check(content, keys, now)
        return verdict if url is None or verdict.code in {FORGED, UNDECIDED} else _now(verdict, content, url)
    except CannotDecide as reason:
        return Verdict(UNDECIDED, (f"cannot decide: {reason}",))


def check(content: bytes, keys: Keys, now: datetime) -> Verdict:
    """The verdict on the bytes of a file, by these keys and at this moment alone."""
    try:
        document, key_id, signature = certificate_rules.opened(_parsed(content), content)
    except NotACertificate as fault:
        return Verdict(FORGED, (f"not a certificate of ours: {fault}",))
    if key_id not in keys:
        return Verdict(UNDECIDED, (f"cannot decide: it names the key {key_id}, which is not among those given",))
    text = canonical.encode(document).decode()
    if not verifies(keys[key_id], certificate_rules.message(text), signature):
        return Verdict(FORGED, ("forged: the signature is not the register's for what this says",))
    words = tuple(_words(document))
    until = document.get("valid_until")
    if until is not None and moment(until) <= now:
        return Verdict(ENDED, (f"genuine, but expired at {moment(until):%Y-%m-%d %H:%M} UTC", *words))
    return Verdict(GOOD, ("genuine", *words, OFFLINE))


def _now(verdict: Verdict, content: bytes, url: str) -> Verdict:
    """With what the register says now."""
    certificate_id = json.loads(content)["document"]["certificate_id"]
    state = str(_asked(url, f"certificates/{certificate_id}").get("state"))
    words = tuple(word for word in verdict.words[1:] if word != OFFLINE)
    if verdict.code is ENDED or state != "valid":
        return Verdict(ENDED, (f"genuine, but {state}", *words))
    return Verdict(GOOD, ("genuine, and valid by the register", *words))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise CannotDecide(f"{path} cannot be read: {error.strerror}") from error


def _parsed(content: bytes) -> object:
    if len(content) > FILE_BYTES_MAX:
        raise NotACertificate("it is larger than any")
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise NotACertificate("it is not JSON") from error


def _keys(key_file: Path | None, url: str | None) -> Keys:
    if key_file is not None:
        texts = _listed(_read(key_file).decode(errors="replace"))
    elif url is not None:
        texts = [key.public_key for key in CertificateKeys.model_validate(_asked(url, "certificates/keys")).keys]
    else:
        raise CannotDecide("give the register's public key with --key FILE, or its market with --url")
    try:
        return {certificate_rules.key_id(key): key for key in map(public_key_of, texts)}
    except ValueError as error:
        raise CannotDecide(f"the keys are not Ed25519 public keys in base64: {error}") from error


def _listed(text: str) -> list[str]:
    """Public keys in base64, one a line; or the answer of `/catalog/v1/certificates/keys` as it was kept."""
    if not text.lstrip().startswith("{"):
        return text.split()
    try:
        return [key.public_key for key in CertificateKeys.model_validate_json(text).keys]
    except ValueError as error:
        raise CannotDecide("the key file is not a list of keys") from error


def _asked(url: str, path: str) -> dict[str, Any]:
    try:
        answer = httpx2.get(f"{url.rstrip('/')}/catalog/v1/{path}", timeout=SECONDS_MAX)
        return answer.raise_for_status().json()
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise CannotDecide(f"{url} gives no answer to {path}: {type(error).__name__}") from error


def _words(document: Mapping[str, Any]) -> list[str]:
    told = ("type", "title", "rights_holder", "rights_holder_id", "grade", "content_hash", "query_code", "issuer")
    return [f"{name}: {document[name]}" for name in told if name in document]
