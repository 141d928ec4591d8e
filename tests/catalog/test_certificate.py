"""Certificates: what is signed, that no byte of it can be changed, and what a verdict rests on."""

import asyncio
import base64
import functools
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from services import certificate_check
from services.__main__ import app as commands
from services.catalog.actions.catalog import Certifier
from services.catalog.rules import certificate as certificate_rules
from services.catalog.rules import registration
from services.catalog.rules.asset import REGISTRATION_EXPIRED, REVOKED, withdraw
from services.catalog.rules.certificate import Certificate, Status
from services.catalog.rules.filing import Licence, Type
from services.certificate_check import ENDED, FORGED, GOOD, UNDECIDED, check, check_file
from shared.grades import G1
from shared.ids import CertificateId, FilingId, ParticipantId
from shared.signing import SigningKey
from tests.catalog.made import NOON, a_draft, declared, submitted, with_pending
from tests.catalog.market import Market, harm, opened, refusal
from tests.catalog.register import get
from tests.support.bench import CERTIFICATE_KEY, Bench

KEY, OLD_KEY, ANOTHER = (SigningKey.new() for _ in range(3))
CERTIFIER = Certifier(KEY, "http://127.0.0.1:8000/catalog", (OLD_KEY.public,))
KEYS = {certificate_rules.key_id(key): key for key in CERTIFIER.public_keys}
UNTIL = NOON + registration.Terms().validity
ENTRY, MADE = registration.register(
    submitted(declared(with_pending(a_draft()))), G1, "user_a", CertificateId.new(), NOON
)
assert MADE
CERTIFICATE: Certificate = replace(
    MADE,
    filing_id=FilingId.new(),
    licences=(Licence(ParticipantId.new(), "科研", UNTIL),),
    supersedes=CertificateId.new(),
)


@functools.cache
def a_file(key: SigningKey = KEY) -> bytes:
    signed = replace(CERTIFIER, key=key).sign(CERTIFICATE, "气象数据有限公司")
    return certificate_rules.file_of(signed)


def test_a_certificate_tells_who_holds_which_rights_in_what():
    told = json.loads(a_file())["document"]
    version = ENTRY.versions[0]
    assert version.content and told["content_hash"] == version.content.content_hash
    assert (told["grade"], told["type"], told["query_code"]) == ("G1", "first", CERTIFICATE.query_code)
    assert (told["rights_holder_id"], told["rights_holder"]) == (ENTRY.asset.provider_id, "气象数据有限公司")
    assert [right["kind"] for right in told["rights"]] == ["holding", "operation"]
    assert told["issuer"] == "http://127.0.0.1:8000/catalog"
    assert told["valid_until"] - told["valid_from"] == registration.Terms().validity // timedelta(microseconds=1)
    assert "user_a" not in a_file().decode()


@given(place=st.integers(0, len(a_file()) - 1), byte=st.integers(0, 255))
@example(place=len(a_file()) - 3, byte=ord("A"))
@example(place=0, byte=ord(" "))
def test_a_byte_changed_anywhere_never_verifies(place: int, byte: int):
    changed = a_file()[:place] + bytes([byte]) + a_file()[place + 1 :]
    assert (check(changed, KEYS, NOON).code in {FORGED, UNDECIDED}) is (changed != a_file())


@given(place=st.integers(0, len(a_file())), more=st.binary(min_size=1, max_size=3), fewer=st.integers(1, 5))
def test_a_byte_added_or_taken_away_never_verifies(place: int, more: bytes, fewer: int):
    assert check(a_file()[:place] + more + a_file()[place:], KEYS, NOON).code in {FORGED, UNDECIDED}
    cut = a_file()[:place] + a_file()[place + fewer :]
    assert cut == a_file() or check(cut, KEYS, NOON).code in {FORGED, UNDECIDED}


SPACED = json.dumps(json.loads(a_file()), ensure_ascii=False).encode()
MORE = a_file()[:-1] + b',"z":1}'
TWICE = b'{"document":{},' + a_file()[1:]
NAMED_OTHERWISE = a_file(ANOTHER).replace(
    certificate_rules.key_id(ANOTHER.public).encode(), certificate_rules.key_id(KEY.public).encode()
)


@pytest.mark.parametrize("what, content, after, code", [
    ("as it was given out",             a_file(),                 timedelta(0),            GOOD),
    ("signed with the key before",      a_file(OLD_KEY),          timedelta(0),            GOOD),
    ("up to its last moment",           a_file(),                 UNTIL - NOON - timedelta(microseconds=1), GOOD),
    ("from its end on",                 a_file(),                 UNTIL - NOON,            ENDED),
    ("signed with a key of another",    a_file(ANOTHER),          timedelta(0),            UNDECIDED),
    ("another's, under our key's name", NAMED_OTHERWISE,          timedelta(0),            FORGED),
    ("written with spaces",             SPACED,                   timedelta(0),            FORGED),
    ("with something more in it",       MORE,                     timedelta(0),            FORGED),
    ("with a document before its own",  TWICE,                    timedelta(0),            FORGED),
    ("nothing",                         b"",                      timedelta(0),            FORGED),
    ("another JSON",                    b'{"document":{}}',       timedelta(0),            FORGED),
    ("no JSON",                         b"\xff\xfe",              timedelta(0),            FORGED),
    ("brackets without end",            b"[" * 200_000,           timedelta(0),            FORGED),
    ("more than any certificate",       b" " * 300_000,           timedelta(0),            FORGED),
])  # fmt: skip
def test_worked_verdicts(what: str, content: bytes, after: timedelta, code: int):
    verdict = check(content, KEYS, NOON + after)
    assert verdict.code == code, (what, verdict)


def test_offline_it_is_said_what_was_not_looked_at():
    assert check(a_file(), KEYS, NOON).words[-1] == certificate_check.OFFLINE


@pytest.mark.parametrize("state, status", [
    ("registered", Status.VALID), ("objected", Status.OBJECTED), ("followed", Status.SUPERSEDED),
    ("withdrawn", Status.WITHDRAWN), ("revoked", Status.REVOKED), ("expired", Status.EXPIRED), ("late", Status.EXPIRED),
    ("deregistration", Status.VALID),
])  # fmt: skip
def test_what_is_so_of_a_certificate_now(state: str, status: Status):
    asset, version, certificate, now = ENTRY.asset, ENTRY.versions[0], MADE, NOON
    assert certificate
    match state:
        case "objected":
            asset = replace(asset, objected=True)
        case "followed":
            version = replace(version, certificate_id=CertificateId.new())
        case "withdrawn" | "revoked" | "expired":
            reasons = {"revoked": REVOKED, "expired": REGISTRATION_EXPIRED}
            asset = withdraw(asset, reasons.get(state, "withdrawn_by_provider"))
        case "late":
            now = UNTIL
        case "deregistration":
            asset, certificate = withdraw(asset), replace(certificate, type=Type.DEREGISTRATION, id=CertificateId.new())
        case _:
            pass
    assert certificate_rules.status(certificate, asset, version, now) is status


def listed(*keys: SigningKey) -> str:
    return "\n".join(base64.b64encode(key.public).decode() for key in keys)


@pytest.mark.parametrize("keys, code", [
    (listed(KEY), 2), (listed(ANOTHER, KEY) + "\n", 2), (listed(ANOTHER), 3), ("no key", 3), ("{}", 3), (None, 3),
    (json.dumps({"keys": [{"key_id": "?", "algorithm": "ed25519", "public_key": listed(KEY), "is_current": True}]}), 2),
], ids=["its", "another's and its", "another's", "no key", "an empty list", "none", "a list"])  # fmt: skip
def test_the_command_says_by_its_exit_code_what_it_found(tmp_path: Path, keys: str | None, code: int):
    """The certificate is of a time when it had not yet expired by the machine's clock, or had: here, it had."""
    past = replace(CERTIFICATE, registered_at=NOON - timedelta(days=9_000), valid_until=NOON - timedelta(days=8_000))
    file, key_file = tmp_path / "certificate.json", tmp_path / "keys"
    file.write_bytes(certificate_rules.file_of(CERTIFIER.sign(past, None)))
    arguments = ["verify-certificate", str(file)]
    if keys is not None:
        key_file.write_text(keys)
        arguments += ["--key", str(key_file)]
    ran = CliRunner().invoke(commands, arguments)
    assert ran.exit_code == code, ran.output
    if code == 2:
        assert "genuine, but expired" in ran.output
        file.write_bytes(file.read_bytes().replace(b"G1", b"G2"))
        assert CliRunner().invoke(commands, arguments).exit_code == FORGED


def test_what_cannot_be_read_or_reached_cannot_be_decided(tmp_path: Path):
    file = tmp_path / "certificate.json"
    assert check_file(file, None, None, NOON).code == UNDECIDED
    file.write_bytes(a_file())
    for key_file, url in ((None, "http://127.0.0.1:1"), (tmp_path / "none", None), (None, "not an address")):
        verdict = check_file(file, key_file, url, NOON)
        assert (verdict.code, verdict.words[0][:13]) == (UNDECIDED, "cannot decide")


@asynccontextmanager
async def listening(app: FastAPI) -> AsyncGenerator[str]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_level="critical"))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup()
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        await server.shutdown()


async def test_with_an_address_the_register_itself_is_asked(market: Market, tmp_path: Path):
    bench, provider = market.bench, await market.provider()
    asset = await market.registered(provider)
    file = tmp_path / "certificate.json"
    path = f"/catalog/v1/certificates/{asset['certificate_id']}/certificate.json"
    file.write_bytes((await bench.get(None, path)).content)
    key_file = tmp_path / "keys"
    key_file.write_text(listed(CERTIFICATE_KEY))
    async with listening(bench.apps["catalog"]) as url:

        async def verdict(keys: Path | None = None) -> tuple[int, str]:
            found = await asyncio.to_thread(check_file, file, keys, url, bench.clock.now())
            return found.code, found.words[0]

        assert await verdict() == await verdict(key_file) == (GOOD, "genuine, and valid by the register")
        objector = await bench.member("buyer")
        objection = {"ground": "ownership", "statement": "归我方", "evidence_hash": "ab" * 32}
        await bench.post(objector, f"/catalog/v1/assets/{asset['id']}/objections", objection)
        assert await verdict() == (ENDED, "genuine, but objected")
        await bench.post(provider, f"/catalog/v1/assets/{asset['id']}/withdraw")
        assert await verdict() == (ENDED, "genuine, but withdrawn")
        file.write_bytes(a_file())
        assert (await verdict())[0] == UNDECIDED


async def test_a_file_shows_what_its_entry_shows(market: Market):
    bench, provider = market.bench, await market.provider()
    asset = await market.registered(provider, impacts=harm("economy", "ordinary"))
    path = f"/catalog/v1/certificates/{asset['certificate_id']}"
    assert (await bench.get(None, path)).json()["title"] is None
    assert refusal(await bench.get(None, f"{path}/certificate.json")) == (404, "no_such_certificate")
    missing = f"/catalog/v1/certificates/{CertificateId.new()}/certificate.json"
    assert refusal(await bench.get(None, missing)) == (404, "no_such_certificate")
    given = await bench.get(provider, f"{path}/certificate.json")
    assert given.headers["content-disposition"] == f'attachment; filename="{asset["certificate_id"]}.json"'
    assert json.loads(given.content)["document"]["grade"] == "G4"


async def test_keys_are_listed_the_present_one_first_and_those_before_it(bench: Bench):
    retired = base64.b64encode(SigningKey.new().public).decode()
    bench.settings = bench.settings.model_copy(update={"certificate_keys_retired": (retired,)})
    async with opened(bench) as market:
        listed = (await get(market, None, "/certificates/keys"))["keys"]
    assert [key["is_current"] for key in listed] == [True, False]
    assert [key["public_key"] for key in listed] == [base64.b64encode(CERTIFICATE_KEY.public).decode(), retired]
    assert {key["key_id"] for key in listed} > {certificate_rules.key_id(CERTIFICATE_KEY.public)}
