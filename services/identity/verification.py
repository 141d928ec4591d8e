"""The port to those who know who an organisation and its representative are: the company register, and the national
network identity.

Promises: what is answered is a finding, never a document or an image; a credential of a person goes out and is not
kept; where nobody answers, nothing is found out, and the check can be asked for again.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

from httpx2 import Response
from pydantic import BaseModel, Field, SecretStr

from shared import log
from shared.errors import Unavailable
from shared.rest import Directory, OnBehalf, Peer, RestClient


@dataclass(frozen=True, slots=True)
class Finding:
    """`reference`: under which number the other side keeps its answer."""

    passed: bool
    reference: str
    reason_code: str | None = None


class Verification(Protocol):
    async def organisation(self, name: str, uscc: str) -> Finding:
        """Whether the register has this name under this credit code, in business."""
        ...

    async def representative(self, uscc: str, credential: SecretStr) -> Finding:
        """Whether the credential is of the person who represents this organisation in law."""
        ...


class FindingAnswer(BaseModel):
    passed: bool
    reference: str = Field(min_length=1, max_length=100)
    reason_code: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]{2,63}$")

    def finding(self) -> Finding:
        return Finding(self.passed, self.reference, self.reason_code or (None if self.passed else "not_confirmed"))


class RestVerification(RestClient):
    """The settings' own service, at the directory's `verification`."""

    def __init__(self, directory: Directory, key: SecretStr | None) -> None:
        super().__init__(_Outside(directory, key))

    async def organisation(self, name: str, uscc: str) -> Finding:
        body = {"name": name, "uscc": uscc}
        return (await self.post("/verification/v1/organisations", body, FindingAnswer, repeatable=True)).finding()

    async def representative(self, uscc: str, credential: SecretStr) -> Finding:
        # Not repeated: a credential is good once.
        body = {"uscc": uscc, "credential": credential.get_secret_value()}
        return (await self.post("/verification/v1/representatives", body, FindingAnswer)).finding()


@dataclass
class SandboxVerification:
    """Stands in for development and tests: confirms everyone, and fails on demand."""

    refused: dict[str, str] = field(default_factory=dict[str, str])  # credit codes, with the reason
    is_away: bool = False
    asked: int = 0

    async def organisation(self, name: str, uscc: str) -> Finding:
        return self._answer(uscc)

    async def representative(self, uscc: str, credential: SecretStr) -> Finding:
        return self._answer(uscc)

    def _answer(self, uscc: str) -> Finding:
        if self.is_away:
            raise Unavailable(service="verification", retry_after_seconds=5)
        self.asked += 1
        return Finding(uscc not in self.refused, f"sandbox-{self.asked}", self.refused.get(uscc))


class NoVerification:
    """Where the settings name none: the exchange looks by hand."""

    async def organisation(self, name: str, uscc: str) -> Finding:
        raise Unavailable(service="verification", detail="no register is set; check by hand")

    async def representative(self, uscc: str, credential: SecretStr) -> Finding:
        raise Unavailable(service="verification", detail="no network identity is set; check by hand")


class _Outside(Peer):
    """A neighbour that is no service of ours: our tokens mean nothing there, and are nobody's business."""

    def __init__(self, directory: Directory, key: SecretStr | None) -> None:
        self.service = "verification"
        self._directory, self._key = directory, key

    async def ask(
        self, method: str, path: str, *, acting_for: OnBehalf | None = None, headers: dict[str, str] | None = None,
        **parts: Any,
    ) -> Response:  # fmt: skip
        told = {"X-Request-Id": request_id} if (request_id := log.request_id()) else {}
        if self._key:
            told["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        connection = self._directory.connection(self.service)
        return await connection.request(method, path, headers={**told, **(headers or {})}, **parts)
