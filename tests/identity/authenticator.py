"""An authenticator app as its owner holds it: codes by RFC 6238, worked out here with nothing of ours."""

import base64
import hmac
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from httpx2 import Response

from tests.identity.conftest import PASSWORD, Desk


@dataclass(frozen=True, slots=True)
class Authenticator:
    secret: bytes
    recovery_codes: tuple[str, ...] = ()

    @classmethod
    def of(cls, otpauth_uri: str) -> "Authenticator":
        told = parse_qs(urlsplit(otpauth_uri).query)["secret"][0]
        return cls(base64.b32decode(told + "=" * (-len(told) % 8)))

    def code(self, now: datetime, steps_ahead: int = 0) -> str:
        step = int(now.timestamp()) // 30 + steps_ahead
        mac = hmac.digest(self.secret, step.to_bytes(8, "big"), "sha1")
        start = mac[-1] & 15
        return f"{(int.from_bytes(mac[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


async def enrol(desk: Desk, login: str, **more: str) -> Response:
    return await desk.post(login, "/me/second-factor", {"password": PASSWORD} | more)


async def with_second_factor(desk: Desk, login: str) -> Authenticator:
    """This person's app, enrolled. Time has gone on by a step, so that its next code is a fresh one."""
    app = Authenticator.of((await enrol(desk, login)).json()["otpauth_uri"])
    confirmed = await desk.post(login, "/me/second-factor/confirm", {"code": app.code(desk.clock.now())})
    desk.clock.advance(seconds=30)
    return Authenticator(app.secret, tuple(confirmed.json()["recovery_codes"]))
