"""A good request for every write about disputes, and about those who decide them."""

from services.demo.shelves import ALPHA, AVIATION
from tests.support.write import ARBITER, HASH, SECURITY, YUAN, Write, id_of

DISPUTES: dict[str, Write] = {
    "POST /trading/v1/disputes": Write(ALPHA, {
        "order_id": id_of("order"), "category": "not_as_described", "amount": YUAN, "remedies": ["end_right"],
        "statement": "因为", "nonce": HASH,
    }),
    "POST /trading/v1/disputes/{dispute_id}/response":
        Write(AVIATION, {"admitted": YUAN, "statement": "因为", "nonce": HASH}),
    "POST /trading/v1/disputes/{dispute_id}/evidence": Write(
        ALPHA, {"kind": "document", "content": "邮件", "content_hash": None},
        ({"kind": "document", "content": None, "content_hash": HASH},),
    ),
    "POST /trading/v1/disputes/{dispute_id}/settlement":
        Write(ALPHA, {"split": {"claimant": 5000, "respondent": 5000}, "remedies": ["end_right"]}),
    "POST /trading/v1/disputes/{dispute_id}/withdrawal": Write(ALPHA),
    "POST /trading/v1/disputes/{dispute_id}/challenge":
        Write(ALPHA, {"arbiter_id": id_of("user"), "reason": "因为"}),
    "POST /trading/v1/disputes/{dispute_id}/appeal": Write(ALPHA, {"nonce": HASH}),
    "POST /trading/v1/disputes/{dispute_id}/ruling": Write(ARBITER, {
        "split": {"claimant": 5000, "respondent": 5000}, "fees": {"claimant": 0, "respondent": 10000},
        "remedies": ["end_right"], "reasons": "因为",
    }),
    "POST /trading/v1/disputes/{dispute_id}/recusal": Write(ARBITER, {"reason": "因为"}),
    "POST /trading/v1/disputes/{dispute_id}/extension": Write(ARBITER, {"length": 1, "reason": "因为"}),
    "POST /trading/v1/arbiters": Write(SECURITY, {"arbiter_id": id_of("user"), "ties": [id_of("participant")]}),
    "POST /trading/v1/arbiters/{user_id}/retirement": Write(SECURITY),
}  # fmt: skip
