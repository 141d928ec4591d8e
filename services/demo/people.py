"""Those who act in the demo, each with a log-in of their own and nothing but the API."""

import base64
import secrets
from collections.abc import Awaitable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from httpx2 import AsyncClient, Response

from shared.clock import SystemClock
from shared.signing import CODE_SECONDS, SigningKey, code_at


class Refused(Exception):
    """The market said no. `code` is the problem's."""

    def __init__(self, response: Response) -> None:
        self.problem: dict[str, Any] = response.json() if response.content else {}
        self.code = self.problem.get("code", str(response.status_code))
        super().__init__(
            f"{response.request.method} {response.request.url.path}: {response.status_code} {self.problem}"
        )


class StepFailed(Exception):
    """A step of the story did not end as it must."""


class Person:
    """Someone who is logged in, or will be."""

    def __init__(self, name: str, client: AsyncClient) -> None:
        self.name, self._client = name, client
        self._token: str | None = None
        self.participant_id = ""
        self.key = SigningKey.new()
        self.key_id = ""
        self._secret: bytes | None = None
        self._last_step = 0

    def at(self, client: AsyncClient) -> "Person":
        """The same person at another address, where the market is several servers."""
        other = Person(self.name, client)
        other.participant_id, other.key, other.key_id, other._token = (
            self.participant_id, self.key, self.key_id, self._token,
        )  # fmt: skip
        return other

    async def log_in(self, login: str, password: str) -> None:
        form = {"grant_type": "password", "username": login, "password": password}
        form |= {"code": self._code()} if self._secret else {}
        response = await self._client.post("/identity/v1/token", data=form)
        self._token = _body(response)["access_token"]

    async def enrol(self, login: str, password: str) -> None:
        """Get a second factor, which every log-in takes from then on. It was a log-in without one that asked for it."""
        await self.log_in(login, password)
        enrolled = await self.post("/identity/v1/me/second-factor", {"password": password})
        [secret] = parse_qs(urlsplit(str(enrolled["otpauth_uri"])).query)["secret"]
        self._secret = base64.b32decode(secret + "=" * (-len(secret) % 8))
        await self.post("/identity/v1/me/second-factor/confirm", {"code": self._code()})

    def _code(self) -> str:
        """What their authenticator shows; where that has been used, what it shows next, which is good already."""
        assert self._secret
        self._last_step = max(int(SystemClock().now().timestamp()) // CODE_SECONDS, self._last_step + 1)
        return code_at(self._secret, self._last_step)

    async def get(self, path: str, **query: str | int) -> Any:
        return _body(await self._client.get(path, params=query, headers=self.headers()))

    async def post(self, path: str, body: object = None) -> Any:
        headers = self.headers() | {"Idempotency-Key": secrets.token_hex(16)}
        return _body(await self._client.post(path, json=body, headers=headers) if body is not None
                     else await self._client.post(path, headers=headers))  # fmt: skip

    async def put(self, path: str, content: bytes, media_type: str) -> Any:
        headers = self.headers() | {"Content-Type": media_type}
        return _body(await self._client.put(path, content=content, headers=headers))

    async def download(self, path: str) -> bytes:
        response = await self._client.get(path, headers=self.headers())
        if response.is_error:
            raise Refused(response)
        return response.content

    async def register_key(self) -> None:
        public_key = base64.b64encode(self.key.public).decode()
        body = {"algorithm": "ed25519", "public_key": public_key}
        self.key_id = (await self.post("/identity/v1/signing-keys", body))["id"]

    async def sign(self, contract_id: str) -> Any:
        """Sign what the contract says, after reading it."""
        contract = await self.get(f"/trading/v1/contracts/{contract_id}")
        message = b"yaosu contract v1\n" + contract["terms_hash"].encode()
        signature = base64.b64encode(self.key.sign(message)).decode()
        return await self.post(
            f"/trading/v1/contracts/{contract_id}/signatures", {"key_id": self.key_id, "signature": signature}
        )

    def headers(self) -> dict[str, str]:
        """What every request of theirs carries."""
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}


def expect(holds: bool, what: str) -> None:
    """Raises StepFailed unless what must hold does."""
    if not holds:
        raise StepFailed(what)


async def refusal(asking: Awaitable[object]) -> str:
    """The code of a refusal that must come."""
    try:
        await asking
    except Refused as refused:
        return refused.code
    raise StepFailed("this must be refused, and was not")


def _body(response: Response) -> Any:
    if response.is_error:
        raise Refused(response)
    return response.json() if response.content else None
