"""The port to the custodian: the licensed institution that holds the money. We instruct and ask; it decides.

Promises: every request is signed with the platform's own key over what is sent, so that nobody else can instruct; an
instruction may be sent any number of times under its id and is carried out once; whatever goes wrong on the way is
`Unavailable`, after which nothing is known but that asking again is safe.
"""

import base64
from collections.abc import Generator
from datetime import datetime
from typing import Any, Protocol

from httpx2 import Auth, Request, Response

from services.trading.rules.instruction import Instruction, NoSuchInstruction, Report
from services.trading.rules.statement_balance import Statement
from services.trading.schemas.money import CustodianReport, CustodianStatement
from shared import log
from shared.clock import Clock
from shared.ids import InstructionId
from shared.rest import Directory, OnBehalf, Peer, RestClient
from shared.signing import SigningKey


class Custodian(Protocol):
    async def send(self, instruction: Instruction) -> Report:
        """What the custodian makes of it: usually that it is pending.

        Requires of the custodian that a release or a refund is not refused for want of money: it only says what of a
        sub-account is set free, and its owner may have had that paid out by then.
        """
        ...

    async def ask(self, instruction_id: InstructionId) -> Report:
        """What became of it. Raises NoSuchInstruction if it never arrived."""
        ...

    async def statement(self, day: datetime) -> Statement:
        """What was carried out in the day that begins then, and what it held before and after."""
        ...


class RestCustodian(RestClient):
    """The custodian over HTTP, at the directory's `custodian`."""

    errors = (NoSuchInstruction,)

    def __init__(self, directory: Directory, key: SigningKey, clock: Clock) -> None:
        super().__init__(_Outside(directory, Signature(key, clock)))

    async def send(self, instruction: Instruction) -> Report:
        body = {
            "id": instruction.id, "kind": instruction.kind, "payer": instruction.payer,
            "parts": [{"payee": part.payee, "amount": part.amount} for part in instruction.parts],
            "amount": instruction.amount,
        }  # fmt: skip
        report = await self.post("/custodian/v1/instructions", body, CustodianReport, repeatable=True)
        return report.report()

    async def ask(self, instruction_id: InstructionId) -> Report:
        return (await self.get(f"/custodian/v1/instructions/{instruction_id}", CustodianReport)).report()

    async def statement(self, day: datetime) -> Statement:
        told = await self.get("/custodian/v1/statement", CustodianStatement, day=day.date().isoformat())
        return told.statement()


class Signature(Auth):
    """Signs each request with Ed25519 over `timestamp "." method " " target "." raw body`, target and body as sent."""

    requires_request_body = True

    def __init__(self, key: SigningKey, clock: Clock) -> None:
        self._key, self._clock = key, clock

    def auth_flow(self, request: Request) -> Generator[Request, Response]:
        timestamp = str(int(self._clock.now().timestamp()))
        signed = f"{timestamp}.{request.method} ".encode() + request.url.raw_path + b"." + request.content
        request.headers["Yaosu-Timestamp"] = timestamp
        request.headers["Yaosu-Signature"] = base64.b64encode(self._key.sign(signed)).decode()
        yield request


class _Outside(Peer):
    """A neighbour that is no service of ours: our tokens mean nothing there, and are nobody's business."""

    def __init__(self, directory: Directory, signature: Signature) -> None:
        self.service = "custodian"
        self._directory, self._signature = directory, signature

    async def ask(
        self, method: str, path: str, *, acting_for: OnBehalf | None = None, headers: dict[str, str] | None = None,
        **parts: Any,
    ) -> Response:  # fmt: skip
        told = {"X-Request-Id": request_id} if (request_id := log.request_id()) else {}
        sent = {**told, **(headers or {})}
        connection = self._directory.connection(self.service)
        return await connection.request(method, path, headers=sent, auth=self._signature, **parts)
