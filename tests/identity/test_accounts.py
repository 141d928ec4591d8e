"""Who may act for an organisation: its users, its programs, its signing keys."""

import asyncio
import hmac
import json
from collections import Counter
from hashlib import sha256

from sqlalchemy import select

from services.identity.rules.signing_key import ACTIVE_KEYS_MAX
from shared.idempotency import answers_table
from tests.identity.conftest import ON_ONE_DATABASE, PASSWORD, Desk, a_public_key


def a_user(login: str, *roles: str) -> dict[str, object]:
    return {"login": login, "password": PASSWORD, "roles": roles or ("buyer",)}


def a_key(public_key: str | None = None) -> dict[str, str]:
    return {"algorithm": "ed25519", "public_key": a_public_key() if public_key is None else public_key}


async def test_an_administrator_makes_lists_and_disables_users(desk: Desk):
    participant_id = await desk.admitted("ana", "buyer", "provider")
    made = await desk.post("ana", "/users", a_user("Ben.Li", "provider"))
    assert made.status_code == 201
    shown = {"login": "ben.li", "roles": ["provider"], "participant_id": participant_id, "is_administrator": False}
    assert made.json() == {"id": made.json()["id"], "disabled_at": None} | shown
    assert [user["login"] for user in (await desk.get("ana", "/users")).json()["items"]] == ["ana", "ben.li"]
    assert (await desk.get("ben.li", "/me")).json()["roles"] == ["provider"]

    disabled = await desk.post("ana", f"/users/{made.json()['id']}/disable")
    assert (disabled.status_code, disabled.json()["disabled_at"] is None) == (200, False)
    again = await desk.post("ana", f"/users/{made.json()['id']}/disable")
    assert (again.status_code, again.json()["code"]) == (409, "already_disabled")
    assert (await desk.log_in("ben.li")).status_code == 401


@ON_ONE_DATABASE
async def test_a_user_has_no_more_roles_than_the_organisation(desk: Desk):
    await desk.admitted("ana", "buyer")
    refused = await desk.post("ana", "/users", a_user("ben", "buyer", "provider"))
    assert (refused.status_code, refused.json()["code"]) == (409, "role_not_held")


@ON_ONE_DATABASE
async def test_only_an_administrator_of_the_organisation_changes_who_acts_for_it(desk: Desk):
    await desk.admitted("ana")
    ben = await desk.colleague("ben", of="ana")
    await desk.admitted("cai")
    asked = [
        await desk.post("ben", "/users", a_user("dan")),
        await desk.post("ben", "/clients", {"name": "bot", "roles": ["buyer"]}),
        await desk.get("ben", "/users"),
        await desk.get("ben", "/clients"),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in asked} == {(403, "not_administrator")}
    assert (await desk.get("regulator", "/users")).json()["code"] == "not_your_role"
    foreign = await desk.post("cai", f"/users/{ben}/disable")
    absent = await desk.post("cai", f"/users/user_{'0' * 32}/disable")
    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert foreign.json()["code"] == absent.json()["code"] == "no_such_user"


@ON_ONE_DATABASE
async def test_an_operator_for_security_disables_anyone_but_themselves(desk: Desk):
    await desk.admitted("ana")
    ben = await desk.colleague("ben", of="ana")
    assert (await desk.post("security", f"/users/{ben}/disable")).status_code == 200
    own = (await desk.get("security", "/me")).json()["subject"]
    itself = await desk.post("security", f"/users/{own}/disable")
    assert (itself.status_code, itself.json()["code"]) == (409, "not_yourself")
    assert (await desk.post("security2", f"/users/{own}/disable")).status_code == 200
    assert (await desk.post("business", f"/users/{ben}/disable")).status_code == 403


async def test_of_ten_who_want_a_name_one_gets_it(desk: Desk):
    await desk.admitted("ana")
    await desk.get("ana", "/me")
    answers = await asyncio.gather(*(desk.post("ana", "/users", a_user("ben")) for _ in range(10)))
    outcomes = Counter((answer.status_code, answer.json().get("code")) for answer in answers)
    assert outcomes == {(201, None): 1, (409, "login_taken"): 9}


async def test_the_same_request_makes_one_user(desk: Desk):
    await desk.admitted("ana")
    first, again = [await desk.post("ana", "/users", a_user("ben"), "one-and-the-same") for _ in range(2)]
    assert (first.status_code, first.json()) == (again.status_code, again.json())


@ON_ONE_DATABASE
async def test_whoever_reads_the_tables_cannot_try_passwords_on_the_digest_of_a_request(desk: Desk):
    """The key may be one that is easily guessed, and argon2 is slow for a reason."""
    await desk.admitted("ana")
    user, key = a_user("ben"), "user-0001"
    await desk.post("ana", "/users", user, key)
    async with desk.core.database.read() as tx:
        kept = await tx.scalar(select(answers_table.c.request_digest).where(answers_table.c.route.endswith("/users")))
    body = json.dumps(user, ensure_ascii=False, separators=(",", ":")).encode()
    assert desk.core.issuer and kept
    secret = desk.core.issuer.derived(b"digests of requests")
    assert kept == hmac.new(secret + key.encode(), body, sha256).hexdigest()


async def test_a_program_logs_in_with_its_secret_until_it_is_disabled(desk: Desk):
    participant_id = await desk.admitted("ana")
    body = {"name": "夜间同步", "roles": ["buyer"]}
    made, again = [await desk.post("ana", "/clients", body, "one-and-the-same") for _ in range(2)]
    assert (made.status_code, len(made.json()["client_secret"]) >= 43) == (201, True)
    assert again.json() == made.json() | {"client_secret": None}
    fields = {"grant_type": "client_credentials", "client_id": made.json()["client_id"]}
    secret = made.json()["client_secret"]

    token = await desk.form(**fields, client_secret=secret)
    assert (token.status_code, token.json()["expires_in"], token.json()["refresh_token"]) == (200, 600, None)
    caller = await desk.core.verifier.caller(token.json()["access_token"])
    assert (caller.kind, caller.roles, caller.participant_id) == ("client", {"buyer"}, participant_id)
    assert (await desk.form(**fields, client_secret=secret, audience="catalog")).json()["code"] == "invalid_request"
    assert (await desk.form(**fields, client_secret="guessed")).json()["code"] == "invalid_client"

    disabled = await desk.post("ana", f"/clients/{made.json()['client_id']}/disable")
    assert disabled.json()["disabled_at"]
    assert (await desk.form(**fields, client_secret=secret)).json()["code"] == "invalid_client"
    await desk.hear()
    assert (await desk.get_with(token.json()["access_token"], "/me")).status_code == 401
    assert [client["name"] for client in (await desk.get("ana", "/clients")).json()["items"]] == ["夜间同步"]


@ON_ONE_DATABASE
async def test_a_program_does_not_administer(desk: Desk):
    await desk.admitted("ana")
    made = (await desk.post("ana", "/clients", {"name": "bot", "roles": ["buyer"]})).json()
    token = await desk.form(
        grant_type="client_credentials", client_id=made["client_id"], client_secret=made["client_secret"]
    )
    assert (await desk.get_with(token.json()["access_token"], "/users")).json()["code"] == "not_administrator"
    key = await desk.post_with(token.json()["access_token"], "/signing-keys", a_key())
    assert (key.status_code, key.json()["code"]) == (403, "not_administrator")
    me = (await desk.get_with(token.json()["access_token"], "/me")).json()
    assert (me["kind"], me["login"], me["is_administrator"]) == ("client", None, False)


async def test_a_signing_key_is_registered_known_everywhere_and_revoked(desk: Desk):
    participant_id = await desk.admitted("ana")
    key = a_key()
    made = await desk.post("ana", "/signing-keys", key)
    assert (made.status_code, made.json()["participant_id"]) == (201, participant_id)
    await desk.hear()
    me = (await desk.get("ana", "/me")).json()["participant"]["id"]
    assert desk.core.standing.of(me).signing_keys == {made.json()["id"]: key["public_key"]}
    taken = await desk.post("ana", "/signing-keys", key)
    assert (taken.status_code, taken.json()["code"]) == (409, "key_taken")

    path = f"/signing-keys/{made.json()['id']}/revoke"
    assert (await desk.post("ana", path)).json()["revoked_at"]
    await desk.hear()
    assert not desk.core.standing.of(me).signing_keys
    assert (await desk.post("ana", path)).json()["code"] == "key_revoked"
    assert (await desk.post("ana", "/signing-keys", key)).json()["code"] == "key_taken"
    assert [each["id"] for each in (await desk.get("ana", "/signing-keys")).json()["items"]] == [made.json()["id"]]


async def test_a_key_of_another_organisation_is_not_there_and_cannot_be_had(desk: Desk):
    await desk.admitted("ana")
    await desk.admitted("ben")
    key = a_key()
    key_id = (await desk.post("ana", "/signing-keys", key)).json()["id"]
    assert (await desk.post("ben", f"/signing-keys/{key_id}/revoke")).json()["code"] == "no_such_key"
    assert (await desk.post("ben", "/signing-keys", key)).json()["code"] == "key_taken"
    in_disguise = key["public_key"][:-2] + chr(ord(key["public_key"][-2]) + 1) + "="  # the same 32 bytes
    assert (await desk.post("ben", "/signing-keys", a_key(in_disguise))).status_code == 422


async def test_keys_registered_at_once_are_no_more_than_are_allowed(desk: Desk):
    await desk.admitted("ana")
    await desk.get("ana", "/me")
    answers = await asyncio.gather(*(desk.post("ana", "/signing-keys", a_key()) for _ in range(ACTIVE_KEYS_MAX + 5)))
    outcomes = Counter((answer.status_code, answer.json().get("code")) for answer in answers)
    assert outcomes == {(201, None): ACTIVE_KEYS_MAX, (409, "too_many_keys"): 5}


@ON_ONE_DATABASE
async def test_what_is_no_key_is_not_taken(desk: Desk):
    await desk.admitted("ana")
    wrong = ["", "AAAA", "A" * 44, a_public_key()[:-1] + "*", " " + a_public_key()[1:]]
    answers = [await desk.post("ana", "/signing-keys", a_key(each)) for each in wrong]
    assert [answer.status_code for answer in answers] == [422] * len(wrong)
    weak = await desk.post("ana", "/signing-keys", a_key("A" * 43 + "="))
    assert (weak.status_code, weak.json()["code"]) == (422, "weak_key")
    other = await desk.post("ana", "/signing-keys", a_key() | {"algorithm": "rsa"})
    assert other.status_code == 422
