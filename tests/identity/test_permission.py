"""Who may do what: the rows on participants and users of the authorisation matrix, written out by hand."""

from fastapi.routing import APIRoute

from services.identity.api.router import router
from shared import web
from tests.identity.conftest import ON_ONE_DATABASE, PASSWORD, REASON, SEEN, V1, Desk, a_document, a_public_key

NOBODY = "0" * 32
P, U, C, K = f"participant_{NOBODY}", f"user_{NOBODY}", f"client_{NOBODY}", f"key_{NOBODY}"
S, CK = f"family_{NOBODY}", f"client_key_{NOBODY}"
D, G, N = f"document_{NOBODY}", f"delegation_{NOBODY}", f"invitation_{NOBODY}"
V, A = f"sponsorship_{NOBODY}", f"assignment_{NOBODY}"
NAMED = {
    "highest": "G4", "business_officer_id": U, "asset_id": f"asset_{NOBODY}", "reason": "登记审查",
    "ends_at": "2030-02-01T00:00:00Z",
}  # fmt: skip
ASKED = {"sponsor_id": f"participant_{'1' * 32}", "ends_at": "2030-02-01T00:00:00Z"}
SIGNED = {"finding": "已核对", "key_id": K, "signature": "A" * 86 + "=="}
DELEGATED = {
    "agent_id": f"participant_{'1' * 32}", "acts": ["list"], "begins_at": "2030-01-01T00:00:00Z",
    "ends_at": "2030-02-01T00:00:00Z",
}  # fmt: skip
BY_HAND = {"method": "by_hand", **SEEN}
CLEARED = {"clearance": "C2", "reason": "核验"}
USER = {"login": "somebody", "password": PASSWORD, "roles": ["buyer"]}
CLIENT = {"name": "bot", "roles": ["buyer"]}
WRONG = {"old_password": "not the right one", "new_password": "another long pass phrase"}
JWK = {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}

# Past permission, what names nobody is 404, and a list is 200. `ana` administers an admitted organisation, `ben` only
# belongs to it, `cai` administers one that has applied.
CALLERS = ["ana", "ben", "cai", "security", "business", "system", "log", "regulator", "arbiter"]
MATRIX: list[tuple[str, str, object, list[int]]] = [
    ("GET",  "/participants",                   None,    [403, 403, 403, 200, 200, 200, 200, 200, 403]),
    ("GET",  f"/participants/{P}",              None,    [404, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("GET",  f"/participants/{P}/affiliations", None,    [404, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("POST", f"/participants/{P}/admit",        CLEARED, [403, 403, 403, 404, 403, 403, 403, 403, 403]),
    ("POST", f"/participants/{P}/clearance",    CLEARED, [403, 403, 403, 404, 403, 403, 403, 403, 403]),
    ("POST", f"/participants/{P}/refuse",       REASON,  [403, 403, 403, 404, 403, 403, 403, 403, 403]),
    ("POST", f"/participants/{P}/suspend",      REASON,  [403, 403, 403, 404, 403, 403, 403, 403, 403]),
    ("POST", f"/participants/{P}/reinstate",    REASON,  [403, 403, 403, 404, 403, 403, 403, 403, 403]),
    ("POST", f"/participants/{P}/exit",         REASON,  [403, 403, 403, 404, 403, 403, 403, 403, 403]),
    ("GET",  f"/participants/{P}/documents",    None,    [404, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("POST", f"/participants/{P}/documents",    a_document("undertaking"),
                                                         [404, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("POST", f"/participants/{P}/documents/{D}/check", BY_HAND,
                                                         [403, 403, 403, 404, 403, 403, 403, 403, 403]),
    ("POST", f"/participants/{P}/representative", {"credential": "x"},
                                                         [404, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("POST", f"/participants/{P}/representative/seen", SEEN,
                                                         [403, 403, 403, 404, 403, 403, 403, 403, 403]),
    ("GET",  "/directory",                      None,    [200, 200, 403, 403, 403, 403, 403, 403, 403]),
    ("GET",  "/invitations",                    None,    [200, 403, 200, 403, 403, 403, 403, 403, 403]),
    ("POST", "/invitations",                    {"roles": ["buyer"], "is_administrator": False},
                                                         [201, 403, 403, 403, 403, 403, 403, 403, 403]),
    ("POST", f"/invitations/{N}/revoke",        None,    [404, 403, 404, 403, 403, 403, 403, 403, 403]),
    ("POST", f"/users/{U}/administrator",       {"is_administrator": True},
                                                         [404, 404, 404, 404, 403, 403, 403, 403, 403]),
    ("POST", f"/users/{U}/enable",              None,    [404, 404, 404, 404, 403, 403, 403, 403, 403]),
    ("GET",  "/delegations",                    None,    [200, 200, 200, 200, 200, 200, 200, 200, 200]),
    ("GET",  f"/delegations/{G}",               None,    [404, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("POST", "/delegations",                    DELEGATED, [404, 403, 403, 403, 403, 403, 403, 403, 403]),
    ("POST", f"/delegations/{G}/acceptance",    None,    [404, 404, 403, 403, 403, 403, 403, 403, 403]),
    ("POST", f"/delegations/{G}/refusal",       {"reason_code": "busy"},
                                                         [404, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("POST", f"/delegations/{G}/end",           None,    [404, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("GET",  "/assignments",                    None,    [403, 403, 403, 200, 200, 200, 200, 200, 403]),
    ("GET",  f"/assignments/{A}",               None,    [403, 403, 403, 404, 404, 404, 404, 404, 403]),
    ("POST", "/assignments",                    NAMED,   [403, 403, 403, 404, 403, 403, 403, 403, 403]),
    ("POST", f"/assignments/{A}/revoke",        {"reason_code": "case_over"},
                                                         [403, 403, 403, 404, 403, 403, 403, 403, 403]),
    ("GET",  "/sponsors",                       None,    [200] * 9),
    ("GET",  "/sponsorships",                   None,    [200] * 9),
    ("GET",  f"/sponsorships/{V}",              None,    [404] * 9),
    ("POST", "/sponsorships",                   ASKED,   [404, 403, 404, 403, 403, 403, 403, 403, 403]),
    ("POST", f"/sponsorships/{V}/signature",    SIGNED,  [404, 404, 403, 403, 403, 403, 403, 403, 403]),
    ("POST", f"/sponsorships/{V}/refusal",      {"reason_code": "busy"}, [404] * 9),
    ("POST", f"/sponsorships/{V}/end",          REASON,  [404] * 9),
    ("GET",  "/dormant-accounts",               None,    [200, 403, 200, 200, 403, 403, 403, 403, 403]),
    ("POST", f"/participants/{P}/affiliations", {"affiliate_id": f"participant_{'1' * 32}"},
                                                         [403, 403, 403, 404, 403, 403, 403, 403, 403]),
    ("GET",  "/me",                             None,    [200, 200, 200, 200, 200, 200, 200, 200, 200]),
    ("GET",  "/me/second-factor",               None,    [200] * 9),
    ("POST", "/me/second-factor",               {"password": PASSWORD}, [201] * 9),
    ("POST", "/me/second-factor/confirm",       {"code": "no such code"}, [403] * 9),
    ("POST", "/me/password",                    WRONG,   [403] * 9),
    ("GET",  "/me/sessions",                    None,    [200] * 9),
    ("POST", f"/me/sessions/{S}/end",           None,    [404] * 9),
    ("POST", f"/users/{U}/second-factor/reset", None,    [404, 404, 404, 404, 403, 403, 403, 403, 403]),
    ("GET",  f"/clients/{C}/keys",              None,    [404, 403, 403, 403, 403, 403, 403, 403, 403]),
    ("POST", f"/clients/{C}/keys",              JWK,     [404, 403, 403, 403, 403, 403, 403, 403, 403]),
    ("POST", f"/clients/{C}/keys/{CK}/revoke",  None,    [404, 403, 403, 403, 403, 403, 403, 403, 403]),
    ("GET",  "/users",                          None,    [200, 403, 200, 403, 403, 403, 403, 403, 403]),
    ("POST", f"/users/{U}/disable",             None,    [404, 404, 404, 404, 403, 403, 403, 403, 403]),
    ("GET",  "/clients",                        None,    [200, 403, 200, 403, 403, 403, 403, 403, 403]),
    ("POST", f"/clients/{C}/disable",           None,    [404, 404, 404, 404, 403, 403, 403, 403, 403]),
    ("POST", "/users",                          USER,    [201, 403, 403, 403, 403, 403, 403, 403, 403]),
    ("POST", "/clients",                        CLIENT,  [201, 403, 403, 403, 403, 403, 403, 403, 403]),
    ("GET",  "/signing-keys",                   None,    [200, 200, 403, 403, 403, 403, 403, 403, 403]),
    ("POST", "/signing-keys",                   ...,     [201, 403, 403, 403, 403, 403, 403, 403, 403]),
    ("POST", f"/signing-keys/{K}/revoke",       None,    [404, 403, 403, 403, 403, 403, 403, 403, 403]),
]  # fmt: skip


PUBLIC = {
    f"{V1}/applications", f"{V1}/invitations/acceptance", f"{V1}/merchant-classes", f"{V1}/token",
    f"{V1}/token/revoke",
    "/identity/.well-known/jwks.json", "/identity/.well-known/openid-configuration",
}  # fmt: skip


def test_every_route_has_its_row():
    routes = [route for route in web.routes_of(router) if isinstance(route, APIRoute)]
    asked = {(method, V1 + path) for method, path, _, _ in MATRIX}

    def has_row(route: APIRoute) -> bool:
        return any(method in (route.methods or ()) and route.path_regex.match(path) for method, path in asked)

    assert {route.path for route in routes if not has_row(route)} == PUBLIC


@ON_ONE_DATABASE
async def test_everyone_may_do_exactly_this(desk: Desk):
    await desk.admitted("ana", "buyer")
    await desk.colleague("ben", of="ana")
    await desk.applied("cai", "buyer")
    await desk.hear()
    for method, path, body, wanted in MATRIX:
        found: list[int] = []
        for caller in CALLERS:
            sent = {"algorithm": "ed25519", "public_key": a_public_key()} if body is ... else body
            answer = await desk.get(caller, path) if method == "GET" else await desk.post(caller, path, sent)
            found.append(answer.status_code)
        assert dict(zip(CALLERS, found, strict=True)) == dict(zip(CALLERS, wanted, strict=True)), f"{method} {path}"
        sent = None if body is ... else body
        unknown = await desk.get(None, path) if method == "GET" else await desk.post(None, path, sent)
        assert unknown.status_code == 401, f"{method} {path}"


@ON_ONE_DATABASE
async def test_another_organisation_looks_like_none(desk: Desk):
    await desk.admitted("ana")
    other = await desk.applied("ben")
    answers = [await desk.get("ana", f"/participants/{each}") for each in (other, P)]
    bodies = [{name: part for name, part in answer.json().items() if name != "request_id"} for answer in answers]
    assert bodies[0] == bodies[1] and [answer.status_code for answer in answers] == [404, 404]


@ON_ONE_DATABASE
async def test_a_suspended_organisation_sees_itself_and_acts_no_more(desk: Desk):
    participant_id = await desk.admitted("ana")
    await desk.decide("security", participant_id, "suspend")
    view = (await desk.get("ana", "/me")).json()["participant"]
    assert (view["status"], view["reason_code"]) == ("suspended", "checked_by_hand")
    refused = await desk.post("ana", "/users", USER)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_admitted")
    assert (await desk.post("security", f"/participants/{participant_id}/admit", CLEARED)).status_code == 409


@ON_ONE_DATABASE
async def test_headers_of_the_network_make_nobody(desk: Desk):
    claimed = {"X-User-Id": "security", "X-Roles": "operator_security", "X-Forwarded-User": "security"}
    answer = await desk.ask_with(claimed, "/participants")
    assert answer.status_code == 401


@ON_ONE_DATABASE
async def test_a_services_token_is_no_persons(desk: Desk):
    form = {"grant_type": "client_credentials", "client_id": "service:trading", "audience": "identity"}
    secret = desk.core.settings.require_secret("service_secret")
    token = (await desk.form(**form, client_secret=secret)).json()["access_token"]
    assert (await desk.get_with(token, "/me")).status_code == 401
    assert (await desk.get_with(token, "/changes")).status_code == 200
    person = (await desk.log_in("regulator")).json()["access_token"]
    assert (await desk.get_with(person, "/changes")).status_code == 401


@ON_ONE_DATABASE
async def test_the_app_starts_works_unasked_and_stops(desk: Desk):
    desk.core.database.open()
    async with desk.app.router.lifespan_context(desk.app):
        assert (await desk.get(None, "/identity/.well-known/jwks.json")).status_code == 200
