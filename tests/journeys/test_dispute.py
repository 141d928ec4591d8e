"""A dispute through all services: what the log holds on the contract goes into the case, each entry with its proof."""

import io
import json
import subprocess
import sys
import tarfile
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

from services.audit.rules.tree import leaf_hash, verify_inclusion
from services.demo import deals
from services.demo.people import refusal
from services.demo.shelves import BETA
from shared import canonical
from tests.journeys.conftest import ON_SQLITE
from tests.journeys.test_first_sale import sold_to_beta, the_order
from tests.support.whole import WholeMarket


@ON_SQLITE
async def test_a_case_is_handed_over_with_the_logs_own_entries_and_silence_counts_once_the_log_has_the_notice(
    market: WholeMarket, tmp_path: Path
):
    await sold_to_beta(market)
    await deals.sign_contract(market)
    await deals.pay(market)
    await deals.receive(market)
    order, beta = await the_order(market), market.people[BETA]
    dispute = await beta.post("/trading/v1/disputes", {
        "order_id": order["id"], "category": "not_as_described", "amount": order["price"], "statement": "字段缺失",
        "nonce": "1" * 64, "remedies": ["end_right"],
    })  # fmt: skip
    path = f"/trading/v1/disputes/{dispute['id']}"
    assert (dispute["state"], await refusal(beta.post(f"/trading/v1/orders/{order['id']}/acceptance"))) == (
        "open", "not_due",
    )  # fmt: skip
    await market.advance(seconds=30)
    seen = await beta.get(path)
    assert (seen["state"], seen["notice_by"]) == ("response", "logged"), "nobody of the provider has read it"

    with tarfile.open(fileobj=io.BytesIO(await beta.download(f"{path}/bundle"))) as archive:
        files = {each.name: archive.extractfile(each).read() for each in archive}  # pyright: ignore[reportOptionalMemberAccess]
    manifest = json.loads(files["manifest.json"])
    for listed in manifest["files"]:
        assert sha256(files[listed["name"]]).hexdigest() == listed["hash"]
    entries = json.loads(files["log.json"])
    acts = [json.loads(each["leaf"].split("\n")[1])["act"] for each in entries]
    assert acts[0] == "trading.order_placed" and {"trading.contract_activated", "trading.dispute_opened"} <= {*acts}
    for each in entries:
        _, size, root = each["checkpoint"].splitlines()[:3]
        proof = [bytes.fromhex(other) for other in each["proof"]]
        assert verify_inclusion(each["index"], int(size), leaf_hash(each["leaf"].encode()), proof, b64decode(root))

    bundle = tmp_path / "evidence.tar"
    bundle.write_bytes(files["evidence.tar"])
    told = verified_alone(bundle)
    assert {told["checks"][name] for name in ("signature", "inclusion", "whole", "map", "documents")} == {"ok"}, told
    with tarfile.open(bundle) as archive:
        names = {name.split("/")[2] for name in archive.getnames() if name.startswith("documents/")}
    evidence = {each["kind"]: each["content_hash"] for each in json.loads(files["evidence.json"])}
    assert {"terms.json", "contract.pdf", *(f"{each[:20]}.txt" for each in evidence.values())} == names
    quality = json.loads(files[f"texts/{evidence['quality']}.txt"])
    assert quality["report_digest"] == canonical.digest(quality["report"])
    assert {"delivery.delivery_started", "delivery.delivery_ended"} & {*acts}, "who was given what, and when"

    bundle.write_bytes(files["evidence.tar"].replace("字段缺失".encode(), "字段齐全".encode()))
    assert "documents" in {each["check"] for each in verified_alone(bundle)["findings"]}


def verified_alone(bundle: Path) -> dict[str, Any]:
    """What a stranger finds with the verifier's one file and nothing of ours."""
    verifier = Path(__file__).parents[2] / "verifier" / "yaosu_verify.py"
    run = subprocess.run([sys.executable, "-I", str(verifier), "--json", str(bundle)], capture_output=True, check=False)
    return json.loads(run.stdout)
