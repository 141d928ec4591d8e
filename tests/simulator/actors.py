"""Those outside the market, who want something of it and do not know what becomes of their messages.

They do what a careful program does: send again, under the same key, what was not answered; log in again when they are
no longer known; and note what was promised to them. One who gives up does not know whether it happened.
"""

import asyncio
import base64
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from httpx2 import AsyncClient, HTTPError, Response

from tests.simulator.eyes import Acknowledged, Eyes
from tests.simulator.furnishing import Member

TRIES, PATIENCE_SECONDS = 4, 12.0
GOOD_FOR = timedelta(minutes=4)
AGAIN = {"still_running", "rate_exceeded"}


@dataclass
class Actor:
    member: Member
    client: AsyncClient
    eyes: Eyes
    chance: random.Random
    seen: Counter[str]
    now: Any
    _token: str | None = None
    _good_until: datetime = datetime.min.replace(tzinfo=UTC)
    wrong: list[str] = field(default_factory=list[str])

    @property
    def id(self) -> str:
        return self.member.participant_id

    async def write(self, path: str, body: object = None) -> Any:
        """What was answered, or None: refused, or nobody knows."""
        key = f"{self.member.name}-{self.chance.getrandbits(64):016x}"
        response = await self._persist("POST", path, body, key)
        if response is None or response.is_error:
            return None
        answer = response.json()
        now: datetime = self.now()
        self.eyes.acknowledged.append(
            Acknowledged(self.member.name, path, key, body, response.status_code, answer, now)
        )
        return answer

    async def repeat(self, before: Acknowledged) -> None:
        """Send what was answered once more, as if the answer had been lost; it must be the same."""
        response = await self._persist("POST", before.path, before.body, before.key)
        if response is None or response.is_error and response.status_code in {403, 404, 429}:
            return  # what they may see, they may have lost meanwhile
        if (response.status_code, response.json() if response.content else None) != (before.status, before.answer):
            self.wrong.append(
                f"I-31 {before.path} said {before.answer} and then {response.status_code} {response.text}"
            )
        self.seen["answered again"] += 1

    async def sign(self, contract_id: str, terms_hash: str) -> Any:
        assert self.member.key
        signature = self.member.key.sign(b"yaosu contract v1\n" + terms_hash.encode())
        body = {"key_id": self.member.key_id, "signature": base64.b64encode(signature).decode()}
        return await self.write(f"/trading/v1/contracts/{contract_id}/signatures", body)

    async def token(self) -> str | None:
        """What they are known by, for a while yet; if it can be had."""
        is_known = self._token and self.now() < self._good_until
        return self._token if is_known or await self._log_in() else None

    async def _persist(self, method: str, path: str, body: object, key: str) -> Response | None:
        failed = 0
        for _ in range(TRIES):
            if self._token is None and not await self._log_in():
                continue
            headers = {"Authorization": f"Bearer {self._token}", "Idempotency-Key": key}
            was_kept = failed > 0 and self._is_kept(path, key)
            response = await self._try(method, path, body, headers)
            match response:
                case None:
                    failed += 1
                case Response(status_code=401):
                    self._token = None
                    continue
                case Response(status_code=503):
                    failed += 1
                case Response(status_code=409 | 429) if _code(response) in AGAIN:
                    self.seen[_code(response)] += 1
                case _:
                    self._note(path, response, failed, was_kept)
                    return response
            await asyncio.sleep(self.chance.uniform(0.05, 2.0))
        self.seen["given up"] += 1
        return None

    def _is_kept(self, path: str, key: str) -> bool:
        """Whether what nobody answered took effect all the same."""
        query, digest = "SELECT 1 FROM idempotency_answers WHERE key_digest = ?", sha256(key.encode()).hexdigest()
        return bool(self.eyes.rows(path.split("/")[1], query, digest))

    def _note(self, path: str, response: Response, failed: int, was_kept: bool) -> None:
        if failed and response.is_success:
            self.seen["retry succeeded"] += 1
            self.seen["in-doubt commit resolved" if was_kept else "unfinished key was free"] += 1
        if response.is_server_error:
            self.wrong.append(f"I-71 {path} was answered {response.status_code}")
        if response.is_error:
            self.seen[f"refused: {_code(response)}"] += 1

    async def _log_in(self) -> bool:
        form = {"grant_type": "password", "username": self.member.login, "password": self.member.password}
        response = await self._try("POST", "/identity/v1/token", None, {}, data=form)
        self._token = response.json()["access_token"] if response is not None and response.is_success else None
        self._good_until = self.now() + GOOD_FOR
        return self._token is not None

    async def _try(
        self, method: str, path: str, body: object, headers: dict[str, str], **more: Any
    ) -> Response | None:  # fmt: skip
        parts: dict[str, Any] = more if body is None else {"json": body}
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self.client.request(method, path, headers=headers, timeout=None, **parts)
        except (HTTPError, TimeoutError):
            return None


def _code(response: Response) -> str:
    try:
        return str(response.json().get("code", response.status_code))
    except ValueError:
        return str(response.status_code)
