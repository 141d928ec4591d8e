"""A program of an organisation, with private keys of its own, that can assert anything."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from httpx2 import Response

from tests.identity.conftest import Desk

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
Part = dict[str, Any]


def encoded(part: bytes | Part) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Key:
    """A key pair, and what was told of its public half."""

    algorithm: str = "ES256"
    thumbprint: str = ""
    id: str = ""
    _private: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        is_curve = self.algorithm == "ES256"
        self._private = ec.generate_private_key(ec.SECP256R1()) if is_curve else Ed25519PrivateKey.generate()

    def jwk(self) -> dict[str, str]:
        public = self._private.public_key()
        if self.algorithm == "EdDSA":
            return {"kty": "OKP", "crv": "Ed25519", "x": encoded(public.public_bytes_raw())}
        numbers = public.public_numbers()
        point = {name: encoded(getattr(numbers, name).to_bytes(32, "big")) for name in ("x", "y")}
        return {"kty": "EC", "crv": "P-256"} | point

    def sign(self, message: bytes) -> bytes:
        if self.algorithm == "EdDSA":
            return self._private.sign(message)
        r, s = decode_dss_signature(self._private.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@dataclass
class Program:
    desk: Desk
    login: str
    client_id: str
    keys: list[Key] = field(default_factory=list[Key])

    async def register(self, key: Key) -> Response:
        answer = await self.desk.post(self.login, f"/clients/{self.client_id}/keys", {"jwk": key.jwk()})
        if answer.status_code == 201:
            key.id, key.thumbprint = answer.json()["id"], answer.json()["thumbprint"]
            self.keys.append(key)
        return answer

    async def revoke(self, key: Key) -> Response:
        return await self.desk.post(self.login, f"/clients/{self.client_id}/keys/{key.id}/revoke")

    def claims(self, **changes: object) -> Part:
        now = int(self.desk.clock.now().timestamp())
        claims = {
            "iss": self.client_id, "sub": self.client_id, "aud": self.desk.core.settings.issuer, "jti": uuid4().hex,
            "iat": now, "exp": now + 60,
        }  # fmt: skip
        return {name: value for name, value in (claims | changes).items() if value is not ...}

    def assertion(self, key: Key | None = None, header: Part | bytes | None = None, **changes: object) -> str:
        """Signed by the key. A change to `...` leaves the claim out."""
        key = key or self.keys[0]
        head = {"alg": key.algorithm, "kid": key.thumbprint} if header is None else header
        if isinstance(head, dict):
            head = {name: value for name, value in head.items() if value is not ...}
        return self.signed(head, self.claims(**changes), key)

    def signed(self, header: Part | bytes, claims: Part | bytes, key: Key) -> str:
        message = f"{encoded(header)}.{encoded(claims)}"
        return f"{message}.{encoded(key.sign(message.encode()))}"

    async def ask(self, assertion: str, **more: str) -> Response:
        fields = {"client_assertion_type": JWT_BEARER, "client_assertion": assertion} | more
        return await self.desk.form(grant_type="client_credentials", **fields)


async def a_program(desk: Desk, login: str, *algorithms: str) -> Program:
    """A client of this administrator's organisation, with a key of each algorithm."""
    made = (await desk.post(login, "/clients", {"name": "bot", "roles": ["buyer"]})).json()
    program = Program(desk, login, made["client_id"])
    for algorithm in algorithms or ("ES256",):
        await program.register(Key(algorithm))
    return program
