"""I-01, I-02, I-04, I-05, I-06: money neither comes nor goes, is promised once, and moves only as a fact says."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.simulator.eyes import Eyes

ACCOUNTS = "SELECT id, kind, debits_posted, credits_posted, debits_pending FROM accounts"
TRANSFERS = (
    "SELECT id, debit, credit, amount_minor, phase, pending_id, released_minor, fact_id FROM transfers ORDER BY rowid"
)
GUARDED = {"wallet", "deposit", "escrow", "reserve", "claim", "arbitration"}
HOLDS = "SELECT holds.id, state, amount_minor FROM holds"
ENDS = "SELECT pending_id, phase, amount_minor, released_minor FROM transfers WHERE pending_id NOTNULL"
STATE_OF_END = {None: "held", "post": "posted", "void": "voided"}


def folded(eyes: Eyes) -> tuple[dict[str, int], dict[str, int]]:
    """What each account has, and what of it is promised, by its transfers."""
    posted, pending = defaultdict[str, int](int), defaultdict[str, int](int)
    for row in eyes.trading(TRANSFERS):
        pending[row["debit"]] += row["amount_minor"] if row["phase"] == "pending" else -row["released_minor"]
        if row["phase"] in {"posted", "post"}:
            posted[row["debit"]] -= row["amount_minor"]
            posted[row["credit"]] += row["amount_minor"]
    return posted, pending


def every_balance_is_the_fold_of_its_transfers(eyes: Eyes) -> Iterator[str]:
    """I-01. Whatever one account gave, another has."""
    posted, pending = folded(eyes)
    if sum(posted.values()):
        yield f"the accounts add up to {sum(posted.values())}"
    for row in eyes.trading(ACCOUNTS):
        if row["kind"] in GUARDED:
            kept = (row["credits_posted"] - row["debits_posted"], row["debits_pending"])
            if kept != (posted[row["id"]], pending[row["id"]]):
                yield f"{row['id']} keeps {kept}, its transfers make {posted[row['id']], pending[row['id']]}"


def nobody_promises_more_than_they_have(eyes: Eyes) -> Iterator[str]:
    """I-02."""
    for row in eyes.trading(ACCOUNTS):
        left = row["credits_posted"] - row["debits_posted"] - row["debits_pending"]
        if row["kind"] in GUARDED and left < 0:
            yield f"{row['id']} is short of {-left}"


def every_hold_ends_once_and_as_a_whole(eyes: Eyes) -> Iterator[str]:
    """I-04."""
    ends = defaultdict[str, list[tuple[str, int]]](list)
    for row in eyes.trading(ENDS):
        ends[row["pending_id"]].append((row["phase"], row["amount_minor"]))
    for pending_id, ended in ends.items():
        if len(ended) > 1:
            yield f"{pending_id} has ended as {ended}"
    for row in eyes.trading(HOLDS):
        phase = ends[row["id"]][0][0] if ends.get(row["id"]) else None
        if STATE_OF_END[phase] != row["state"]:
            yield f"the deposit {row['id']} is {row['state']}, its transfer was ended by {phase}"


def every_order_is_settled_once_to_the_fen(eyes: Eyes) -> Iterator[str]:
    """I-05."""
    settled = Counter[str]()
    for fact in eyes.told("order_settled"):
        data = fact.event.data
        settled[data["order_id"]] += 1
        if sum(data[part]["minor"] for part in ("refund", "provider", "fee", "tax")) != data["amount"]["minor"]:
            yield f"the shares of {data['order_id']} are not its price: {data}"
    yield from (f"{order_id} is settled {times} times" for order_id, times in settled.items() if times > 1)
    query = (
        "SELECT natural_key, count(*) AS times FROM instructions WHERE state <> 'refused' GROUP BY 1 HAVING times > 1"
    )
    yield from (f"{row['natural_key']} is instructed {row['times']} times" for row in eyes.trading(query))


def no_money_moves_without_a_fact(eyes: Eyes) -> Iterator[str]:
    """I-06."""
    query = "SELECT id, fact_id FROM transfers WHERE fact_id NOT IN (SELECT id FROM outbox_facts)"
    yield from (f"{row['id']} names {row['fact_id']}, of which nobody was told" for row in eyes.trading(query))


def what_was_paid_in_once_came_once(eyes: Eyes) -> Iterator[str]:
    """I-31. Nobody is credited more than they asked for, whatever was sent again."""
    asked, came = Counter[str](), Counter[str]()
    for row in eyes.trading("SELECT id, kind, participant_id, amount_minor FROM instructions WHERE kind = 'pay_in'"):
        asked[row["participant_id"]] += row["amount_minor"]
    for fact in eyes.told("pay_in_confirmed"):
        came[fact.event.data["participant_id"]] += fact.event.data["amount"]["minor"]
    yield from (f"{who} asked for {asked[who]} and has {came[who]}" for who in came if came[who] > asked[who])
