"""The first third of the story: who comes, what they bring, and what it is graded."""

import hashlib
import json
from types import MappingProxyType
from typing import Any

from services.demo import data
from services.demo.market import Market
from services.demo.people import Person, expect

PASSWORD = "a long pass phrase for the demo"
AVIATION, CIVIC, ALPHA, BETA, GAMMA = "aviation", "civic", "alpha", "beta", "gamma"
NAMES = MappingProxyType({
    AVIATION: ("云航数据有限公司", ["provider"], "C3"),
    CIVIC: ("惠民数据有限公司", ["provider"], "C3"),
    ALPHA: ("甲方物流有限公司", ["buyer"], "C3"),
    BETA: ("乙方旅行有限公司", ["buyer"], "C2"),
    GAMMA: ("丙方广告有限公司", ["buyer"], "C1"),
})  # fmt: skip
SYNTHETIC, ASSESSED_AT = "合成数据，不对应任何自然人", "2026-11-01T00:00:00Z"
AIRPORTS, PERSONS = "airports", "persons"
PROOF_OF_RIGHTS = hashlib.sha256("权属说明".encode()).hexdigest()
OWNERS = MappingProxyType({AIRPORTS: AVIATION, PERSONS: CIVIC})
IMPACTS = MappingProxyType({
    AIRPORTS: {"object": "organisation", "degree": "ordinary", "rationale": "被非法获取会损害整理者的经营权益"},
    PERSONS: {"object": "individual", "degree": "serious", "rationale": "泄露会严重影响个人权益"},
})  # fmt: skip


async def open_market(market: Market) -> None:
    """Log the platform's people in, by the log-ins that a development market prints."""
    log_ins = json.loads((market.folder / "market" / "keys" / "development-log-ins.json").read_text())
    for log_in in log_ins:
        person = market.people[log_in["login"]] = Person(log_in["login"], market.client)
        await person.log_in(log_in["login"], log_in["password"])
    market.note(f"{market.client.base_url} · {len(log_ins)} 名平台与监管人员 staff logged in")


async def admit_participants(market: Market) -> None:
    for who in NAMES:
        person = await admit(market, who)
        await market.until(lambda person=person: _may_act(person), bool, f"the admission of {person.name}")
        await person.register_key()
        market.note(f"{person.name} {'/'.join(NAMES[who][1])} 资质 {NAMES[who][2]}")


async def admit(market: Market, who: str) -> Person:
    """Apply as one of the organisations, have it admitted, and log its administrator in."""
    name, roles, clearance = NAMES[who]
    person = market.people[who] = Person(name, market.client)
    application = {
        "name": name, "uscc": data.credit_code(list(NAMES).index(who)), "roles": roles,
        "documents": await documents_for(person, clearance),
        "administrator": {"login": f"{who}@demo", "password": PASSWORD},
    }  # fmt: skip
    person.participant_id = (await person.post("/identity/v1/applications", application))["id"]
    participant = f"/identity/v1/participants/{person.participant_id}"
    await check_documents(market.people["security"], participant, with_register=not market.in_production)
    admission = {"clearance": clearance, "reason": "营业执照与安全能力已核验"}
    await market.people["security"].post(f"/identity/v1/participants/{person.participant_id}/admit", admission)
    await market.first_log_in(person, f"{who}@demo", PASSWORD)
    return person


async def documents_for(person: Person, clearance: str) -> list[dict[str, str]]:
    """What is shown to be trusted so far."""
    catalogue = await person.get("/identity/v1/merchant-classes")
    kinds = [kind for step, added in catalogue["by_clearance"].items() if step <= clearance for kind in added]
    return [_document(kind) for kind in kinds if kind not in catalogue["result_only"]]


async def check_documents(operator: Person, participant: str, *, with_register: bool = True) -> None:
    """The register, where there is one, is asked for the licence; everything else is looked at."""
    found = {"passed": True, "reference": "demo-1"}
    for document in (await operator.get(f"{participant}/documents", limit=100))["items"]:
        by_register = with_register and document["kind"] == "business_licence"
        check = {"method": "register"} if by_register else {"method": "by_hand", **found}
        await operator.post(f"{participant}/documents/{document['id']}/check", check)
    await operator.post(f"{participant}/representative/seen", found)


def _document(kind: str) -> dict[str, str]:
    shown = hashlib.sha256(f"{kind} 原件".encode()).hexdigest()
    return {"kind": kind, "content_hash": shown, "issued_at": "2026-01-01T00:00:00Z"}


async def log_in_again(market: Market) -> None:
    """Fresh tokens for everyone, once the old ones have run out."""
    log_ins = json.loads((market.folder / "market" / "keys" / "development-log-ins.json").read_text())
    for log_in in log_ins:
        await market.people[log_in["login"]].log_in(log_in["login"], log_in["password"])
    for who in NAMES:
        await market.people[who].log_in(f"{who}@demo", PASSWORD)


async def upload_content(market: Market) -> None:
    await bring_airports(market)
    await bring_persons(market)


async def bring_airports(market: Market) -> None:
    await _bring(market, AIRPORTS, data.airports_csv(), {
        "title": "全球机场基础数据", "title_english": "Airports of the world", "theme": "transport",
        "description": "约 2.8 万个机场的代码、名称、坐标与时区", "keywords": ["机场", "民航", "坐标"],
        "update_cycle": "monthly",
    })  # fmt: skip


async def bring_persons(market: Market) -> None:
    await _bring(market, PERSONS, data.persons_csv(), {
        "title": "居民消费名录（合成）", "title_english": "Persons and their orders (synthetic)", "theme": "commerce",
        "description": "五千名虚构居民的联系方式与月度订单数", "keywords": ["消费", "居民"], "update_cycle": "monthly",
    })  # fmt: skip


def thing(what: str, asset_id: str, version_id: str) -> dict[str, Any]:
    """What is graded and registered: whose it is, and what its disclosure would harm."""
    return {"owner": OWNERS[what], "impact": IMPACTS[what], "asset_id": asset_id, "version_id": version_id}


async def grade_versions(market: Market) -> None:
    for what in OWNERS:
        await grade(market, what)
    expect(market.things[AIRPORTS]["grade"] == "G2", "the airports are G2 by declared degree")
    expect(market.things[PERSONS]["grade"] >= "G3", "identity numbers beside names are at least G3")


async def grade(market: Market, what: str) -> None:
    thing = market.things[what]
    path = f"/catalog/v1/versions/{thing['version_id']}/grade-proposals"
    grading = await market.people[thing["owner"]].post(path, {"impacts": [thing["impact"]], "flags": []})
    thing["grade"] = grading["grade"]
    market.note(f"{what}: [bold]{grading['grade']}[/bold] {' '.join(grading['flags'])}")
    for reason in grading["reasons"]:
        market.note(f"  · {reason['text']}")


async def register_assets(market: Market) -> None:
    for what in OWNERS:
        await register(market, what)


async def register(market: Market, what: str) -> None:
    """Declare the source, submit, and let the platform review it."""
    asset_id, owner = market.things[what]["asset_id"], market.people[market.things[what]["owner"]]
    declaration: dict[str, Any] = {
        "origin": "own_production", "description": "自有采集与整理", "legal_basis": "数据二十条：持有权与经营权",
        "rights": [{"kind": kind, "evidence_hash": PROOF_OF_RIGHTS} for kind in ("holding", "operation")],
    }  # fmt: skip
    if what == PERSONS:
        declaration["personal_information_basis"] = SYNTHETIC
        await put_on_record(owner, asset_id)
    await owner.post(f"/catalog/v1/assets/{asset_id}/source-declaration", declaration)
    await owner.post(f"/catalog/v1/assets/{asset_id}/submit")
    review = {"grade": market.things[what]["grade"], "note": "来源说明、权属与分级已复核"}
    asset = await market.people["business"].post(f"/catalog/v1/assets/{asset_id}/register", review)
    expect(asset["state"] == "registered", "a reviewed asset is registered")
    market.note(f"{asset['title']} 登记证书 {asset['certificate_id']}")


async def put_on_record(owner: Person, asset_id: str) -> None:
    """The separate consent and the impact assessment that sensitive personal information needs."""
    path = f"/catalog/v1/assets/{asset_id}"
    shared = {"evidence_hash": "0" * 64, "valid_until": (await owner.get(path))["deadline"]}  # about half a year
    consent = {"kind": "separate_consent", "scope": SYNTHETIC, "persons": data.PERSONS}
    assessment = {"kind": "impact_assessment", "assessed_at": ASSESSED_AT, "conclusion": "passed", "summary": SYNTHETIC}
    await owner.post(f"{path}/consents", consent | shared)
    await owner.post(f"{path}/assessments", assessment | shared)


async def _bring(market: Market, what: str, content: bytes, about: dict[str, Any]) -> None:
    """Draft an asset, upload its content, and wait until the inspector has read it."""
    person, digest = market.people[OWNERS[what]], hashlib.sha256(content).hexdigest()
    asset = await person.post("/catalog/v1/assets", about)
    version_id = asset["versions"][0]["id"]
    declared = {
        "version_id": version_id, "media_type": "text/csv", "bytes": len(content), "content_hash": digest,
        "file_name": f"{what}.csv",
    }  # fmt: skip
    upload = await person.post("/delivery/v1/uploads", declared)
    await person.put(f"/delivery/v1/uploads/{upload['id']}/content", content, "text/csv")
    path = f"/delivery/v1/uploads/{upload['id']}"
    seen = await market.until(
        lambda: person.get(path), lambda seen: seen["state"] in {"inspected", "refused"}, "the inspection"
    )
    expect(seen["state"] == "inspected", f"the inspector refused {what}: {seen['reason_code']}")
    market.things[what] = thing(what, asset["id"], version_id) | {"sha256": digest, "content": content}
    market.note(f"{about['title']} {len(content):,} 字节 bytes · sha256 {digest[:16]}…")


async def _may_act(person: Person) -> bool:
    """Whether the admission has reached the services, and identity itself."""
    try:
        await person.get("/trading/v1/wallet")
        await person.get("/identity/v1/signing-keys")
    except Exception:
        return False
    return True
