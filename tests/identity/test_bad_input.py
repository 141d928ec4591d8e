"""Every write of identity against every way to send its body wrong: a refusal with a code, and nothing changed."""

from collections.abc import Iterator
from typing import Any

from fastapi.routing import APIRoute

from services.identity.api.router import router
from shared import web
from tests.identity.conftest import (
    ON_ONE_DATABASE,
    PASSWORD,
    REASON,
    SEEN,
    V1,
    Desk,
    a_document,
    a_public_key,
    credit_code,
)

Body = dict[str, Any]
KINDS = ("assignment", "client", "document", "delegation", "sponsorship", "user", "invitation")
NOTHING = {f"{kind}_id": f"{kind}_" + "0" * 32 for kind in KINDS}
CLEARED = {"clearance": "C2", "reason": "核验"}
ADMINISTRATOR = {"login": "somebody", "password": PASSWORD}
APPLICATION = {"name": "数据公司", "uscc": credit_code(77), "roles": ["buyer"], "administrator": ADMINISTRATOR}
JWK = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
BODIES: dict[str, tuple[str | None, Body]] = {
    "/applications":                              (None,       APPLICATION),
    "/participants/{participant_id}/admit":       ("security", CLEARED),
    "/participants/{participant_id}/clearance":   ("security", CLEARED),
    "/participants/{participant_id}/reinstate":   ("security", REASON),
    "/participants/{participant_id}/documents":   ("ana",      a_document("business_licence")),
    "/participants/{participant_id}/documents/{document_id}/check":
        ("security", {"method": "by_hand", "passed": True, "reference": "2030-17"}),
    "/participants/{participant_id}/representative": ("ana",   {"credential": "sandbox"}),
    "/participants/{participant_id}/representative/seen": ("security", SEEN),
    "/invitations":                              ("ana",      {"roles": ["buyer"], "is_administrator": False}),
    "/invitations/acceptance":                   (None,       ADMINISTRATOR | {"token": "x" * 43}),
    "/users/{user_id}/administrator":            ("ana",      {"is_administrator": True}),
    "/delegations":                              ("ana",      {
        "agent_id": f"participant_{'1' * 32}", "acts": ["list"], "begins_at": "2030-01-01T00:00:00Z",
        "ends_at": "2030-02-01T00:00:00Z"}),
    "/delegations/{delegation_id}/refusal":      ("ana",      {"reason_code": "busy"}),
    "/assignments":                              ("security", {
        "highest": "G4", "business_officer_id": f"user_{'1' * 32}", "reason": "登记审查",
        "ends_at": "2030-02-01T00:00:00Z"}),
    "/assignments/{assignment_id}/revoke":       ("security", {"reason_code": "case_over"}),
    "/sponsorships":                             ("ana",      {
        "sponsor_id": f"participant_{'1' * 32}", "ends_at": "2030-02-01T00:00:00Z"}),
    "/sponsorships/{sponsorship_id}/signature":  ("ana",      {
        "finding": "已核对", "key_id": f"key_{'0' * 32}", "signature": "A" * 86 + "=="}),
    "/sponsorships/{sponsorship_id}/refusal":    ("ana",      {"reason_code": "busy"}),
    "/sponsorships/{sponsorship_id}/end":        ("ana",      REASON),
    "/participants/{participant_id}/affiliations": ("security", {"affiliate_id": f"participant_{'1' * 32}"}),
    "/participants/{participant_id}/{decision}":  ("security", REASON),
    "/users":                                     ("ana",      ADMINISTRATOR | {"roles": ["buyer"]}),
    "/clients":                                   ("ana",      {"name": "bot", "roles": ["buyer"]}),
    "/me/second-factor":                          ("ana",      {"password": PASSWORD}),
    "/me/second-factor/confirm":                  ("ana",      {"code": "no such code"}),
    "/me/password":                               ("ana",      {"old_password": "wrong", "new_password": PASSWORD}),
    "/clients/{client_id}/keys":                  ("ana",      {"jwk": JWK}),
    "/signing-keys":                              ("ana",      {"algorithm": "ed25519", "public_key": a_public_key()}),
}  # fmt: skip
WITHOUT_BODY = {
    "/users/{user_id}/disable", "/users/{user_id}/enable", "/users/{user_id}/second-factor/reset",
    "/me/sessions/{family_id}/end", "/clients/{client_id}/disable", "/clients/{client_id}/keys/{client_key_id}/revoke",
    "/signing-keys/{key_id}/revoke", "/invitations/{invitation_id}/revoke", "/delegations/{delegation_id}/acceptance",
    "/delegations/{delegation_id}/end",
}  # fmt: skip
FORMS = {"/token", "/token/revoke"}
WRONG: list[object] = [None, 7, True, 1.5, "", [], {}, ["x"], {"x": 1}, "x" * 10_000]
# What an answer or a table has, and nobody may send.
NOT_TO_BE_SENT: Body = {
    "id": "participant_" + "0" * 32, "participant_id": "participant_" + "0" * 32, "status": "admitted", "revision": 1,
    "proposed_clearance": "C5", "proposed_by": "user_1", "deadline": "2099-01-01T00:00:00Z", "is_administrator": True,
    "disabled_at": None, "password_hash": "x", "secret_digest": "x", "client_secret": "x", "registered_at": None,
    "revoked_at": None, "__proto__": {}, "_sa_instance_state": 1, "$ref": "#",
}  # fmt: skip


def writes() -> list[APIRoute]:
    return [route for route in web.routes_of(router) if isinstance(route, APIRoute) and "POST" in (route.methods or ())]


def spoiled(body: Body) -> Iterator[Body]:
    """The body with one member missing, wrong or too many, at every depth."""
    for name, good in body.items():
        yield {other: value for other, value in body.items() if other != name}
        yield from (body | {name: wrong} for wrong in WRONG if not (type(wrong) is type(good) is bool))
        if isinstance(good, dict):
            yield from (body | {name: inner} for inner in spoiled(good))  # pyright: ignore[reportUnknownArgumentType]
    yield from (body | {name: value} for name, value in NOT_TO_BE_SENT.items() if name not in body)


def test_every_write_is_here():
    paths = {route.path.removeprefix(V1) for route in writes()}
    assert paths == BODIES.keys() | WITHOUT_BODY | FORMS


def test_every_write_is_done_once_but_those_that_have_a_natural_key_or_tell_a_secret():
    keyed = {
        route.path.removeprefix(V1)
        for route in writes()
        if any(parameter.name == "once" for parameter in route.dependant.dependencies)
    }
    assert {route.path.removeprefix(V1) for route in writes()} - keyed == FORMS | {
        "/applications",
        "/invitations/acceptance",
    }


@ON_ONE_DATABASE
async def test_a_body_that_is_wrong_anywhere_is_refused_and_changes_nothing(desk: Desk):
    participant_id = await desk.admitted("ana", "buyer")
    for login in ("ana", "security"):
        await desk.get(login, "/me")
    before = len(await desk.facts())
    for path, (login, body) in BODIES.items():
        path = path.format(participant_id=participant_id, decision="suspend", **NOTHING)
        for wrong in spoiled(body):
            answer = await desk.post(login, path, wrong)
            assert (answer.status_code, answer.json()["code"]) == (422, "malformed"), f"{path} {wrong}"
            assert "pass phrase" not in answer.text
    assert len(await desk.facts()) == before
    for path, (login, body) in BODIES.items():
        path = path.format(participant_id=participant_id, decision="suspend", **NOTHING)
        assert (await desk.post(login, path, body)).status_code != 422, f"{path} refuses a good body too"
