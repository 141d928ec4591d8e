"""I-30, I-33, I-34, I-40, I-41: effect, answer and fact stand or fall together; each fact reaches everyone, once."""

from collections.abc import Iterator

from shared.facts import GENESIS, link
from shared.settings import SERVICES
from tests.simulator.eyes import Eyes

FOLLOWERS = ("catalog", "pricing", "trading")  # delivery keeps what it follows in memory


def every_stripe_is_a_chain_without_a_gap(eyes: Eyes) -> Iterator[str]:
    """I-40."""
    for service in sorted(eyes.changed):
        reached: tuple[int, bytes] = eyes.memory.get(f"chain of {service}", (0, GENESIS))
        for fact in eyes.facts[service][reached[0] :]:
            computed = link(reached[1], fact.seq, fact.line)
            if fact.seq != reached[0] + 1 or computed != fact.hash:
                yield f"fact {fact.seq} of {service} does not follow on {reached[0]}"
            reached = fact.seq, fact.hash
        eyes.memory[f"chain of {service}"] = reached
        for row in eyes.rows(service, "SELECT seq, hash FROM outbox_stripes WHERE number = 0"):
            if row["seq"] != reached[0]:
                yield f"{service} counts {row['seq']} facts and has {reached[0]}"


def what_was_answered_is_kept_with_its_effect(eyes: Eyes) -> Iterator[str]:
    """I-30, I-32: whoever heard yes would hear the same again."""
    checked: int = eyes.memory.get("answers", 0)
    fresh = eyes.acknowledged[checked:]
    eyes.memory["answers"] = len(eyes.acknowledged)
    for each in fresh:
        service = each.path.split("/")[1]
        query = "SELECT count(*) AS kept FROM idempotency_answers WHERE route = ?"
        if not eyes.rows(service, query, f"POST {each.path}")[0]["kept"]:
            yield f"{each.path} was answered {each.status}, and no answer is kept"


def who_follows_goes_on_from_where_they_are(eyes: Eyes) -> Iterator[str]:
    """I-33: a position never goes back, and its hash is the source's own."""
    known: dict[tuple[str, str], int] = eyes.memory.setdefault("followed", dict[tuple[str, str], int]())
    for service in FOLLOWERS:
        for row in eyes.rows(service, "SELECT source, seq, hash FROM inbox WHERE stripe = 0"):
            place, seq = (service, row["source"]), int(row["seq"])
            source = eyes.facts[row["source"]]
            if seq < known.get(place, 0):
                yield f"{service} went back from {known[place]} to {seq} of {row['source']}"
            if seq <= len(source) and seq and source[seq - 1].hash != row["hash"]:
                yield f"{service} took another fact {seq} of {row['source']} than was told"
            known[place] = seq


def the_log_holds_what_it_acknowledged(eyes: Eyes) -> Iterator[str]:
    """I-33, I-34, I-41: under its place, byte for byte, and nothing twice."""
    seen: int = eyes.memory.get("log", 0)
    entries: dict[int, tuple[str, int, str]] = eyes.memory.setdefault("entries", {})
    facts: set[str] = eyes.memory.setdefault("entries' facts", set[str]())
    query = "SELECT log_index, service, seq, fact_id FROM entries WHERE log_index >= ? ORDER BY log_index"
    for row in eyes.rows("audit", query, seen):
        if row["log_index"] != seen or row["fact_id"] in facts:
            yield f"entry {row['log_index']} ({row['fact_id']}) is out of its place, or there twice"
        seen += 1
        facts.add(row["fact_id"])
        entries[row["log_index"]] = row["service"], row["seq"], row["fact_id"]
    eyes.memory["log"] = seen
    for service in SERVICES:
        sent: int = eyes.memory.get(f"sent of {service}", 0)
        query = "SELECT seq, id, log_index FROM outbox_facts WHERE log_index NOTNULL AND seq > ? ORDER BY seq"
        for row in eyes.rows(service, query, sent):
            if entries.get(row["log_index"]) != (service, row["seq"], row["id"]):
                yield f"fact {row['seq']} of {service} is marked as entry {row['log_index']}, and the log has another"
            if row["seq"] == sent + 1:
                sent = row["seq"]
        eyes.memory[f"sent of {service}"] = sent
