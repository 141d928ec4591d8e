"""A dispute through all services: what the log holds on the contract goes into the case, each entry with its proof."""

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

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

    case = tmp_path / "dispute.tar"
    case.write_bytes(await beta.download(f"{path}/bundle"))
    verdict, told = verified_alone(case)
    assert verdict == 0, told
    assert set(told["checks"].values()) == {"ok"} and "completeness of the log" in told["proven"], told
    assert (told["counts"]["uses"], told["counts"]["quality"], told["counts"]["contract"]) == (1, 1, 2)
    files = unpacked(case.read_bytes())
    logged = unpacked(files["evidence.tar"])
    entries = [json.loads(leaf.split(b"\n")[1]) for name, leaf in logged.items() if name.startswith("entries/")]
    acts = {each["act"] for each in entries}
    assert {"trading.contract_activated", "trading.dispute_opened", "trading.arbitration_fee_held"} <= acts
    assert {"trading.escrow_paid", "delivery.delivery_started", "delivery.delivery_ended"} <= acts, "who got what, when"
    names = {name.split("/")[2] for name in logged if name.startswith("documents/")}
    evidence = {each["kind"]: each["content_hash"] for each in json.loads(files["dispute.json"])["evidence"]}
    assert {"terms.json", "contract.pdf", *(f"{each[:20]}.txt" for each in evidence.values())} == names
    quality = json.loads(files[f"texts/{evidence['quality']}.txt"])
    assert quality["report_digest"] == canonical.digest(quality["report"])

    alone = tmp_path / "evidence.tar"
    alone.write_bytes(files["evidence.tar"])
    assert verified_alone(alone)[0] == 2, "alone it claims to be a whole answer, and lacks the entries of others"
    case.write_bytes(case.read_bytes().replace("字段缺失".encode(), "字段齐全".encode()))
    assert verified_alone(case)[0] == 1


def unpacked(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {each.name: taken.read() for each in tar if (taken := tar.extractfile(each))}


def verified_alone(file: Path) -> tuple[int, dict[str, Any]]:
    """What a stranger finds with the verifier's one file and nothing of ours."""
    verifier = Path(__file__).parents[2] / "verifier" / "yaosu_verify.py"
    run = subprocess.run([sys.executable, "-I", str(verifier), "--json", str(file)], capture_output=True, check=False)
    return run.returncode, json.loads(run.stdout)
