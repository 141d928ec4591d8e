"""Whoever answers us sends us nowhere: a redirect is no answer, and what was meant for one place stays there."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from services.identity.verification import RestVerification
from services.trading.custodian import RestCustodian
from shared.core import RequestedTokens
from shared.errors import Unavailable
from shared.ids import InstructionId
from shared.outside import outside_verifier
from shared.rest import Directory, Peer, RestClient
from shared.signing import SigningKey
from tests.kernel.test_outside import CLOCK, ISSUER, SETTINGS, a_token

FAR = json.dumps(
    {"id": "1", "passed": True, "reference": "x", "access_token": "x", "expires_in": 300, **ISSUER.key_set}
)
Ask = Callable[[str], Awaitable[object]]


class Tokens:
    async def token(self, audience: str) -> str:
        return f"token-for-{audience}"


async def a_neighbour(url: str) -> object:
    peer = Peer(Directory({"catalog": url}), "catalog", Tokens())
    return await RestClient(peer).get("/catalog/v1/assets/1", dict[str, object])


async def identity_for_a_token(url: str) -> object:
    return await RequestedTokens(Directory({"identity": url}), "trading", "our-secret", CLOCK).token("catalog")


async def the_register(url: str) -> object:
    return await RestVerification(Directory({"verification": url}), SecretStr("our-key")).organisation("甲", "91")


async def the_custodian(url: str) -> object:
    directory = Directory({"custodian": url})
    return await RestCustodian(directory, SigningKey.new(), CLOCK).ask(InstructionId.new())


async def the_outside_issuer(url: str) -> object:
    verifier = outside_verifier(SETTINGS.model_copy(update={"outside_keys_url": f"{url}/keys"}), CLOCK)
    assert verifier
    return await verifier.caller(a_token())


@asynccontextmanager
async def a_server(status: str, heard: list[bytes], more: str = "", body: str = FAR) -> AsyncGenerator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{more}\r\n"
        writer.write(f"{head}{body}".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1") as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("status", ["302 Found", "307 Temporary Redirect"])
@pytest.mark.parametrize("ask", [
    a_neighbour, identity_for_a_token, the_register, the_custodian, the_outside_issuer,
])  # fmt: skip
async def test_nobody_whom_we_ask_sends_us_elsewhere(ask: Ask, status: str):
    heard, near = list[bytes](), list[bytes]()
    async with a_server("200 OK", heard) as elsewhere:
        async with a_server(status, near, f"Location: {elsewhere}/latest/meta-data\r\n") as url:
            with pytest.raises(Unavailable):
                await ask(url)
    assert near and not heard


async def test_what_is_no_token_is_no_answer_of_identity():
    async with a_server("200 OK", [], body="<html>") as url:
        with pytest.raises(Unavailable):
            await identity_for_a_token(url)
