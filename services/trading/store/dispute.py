"""How disputes are kept, with their evidence, texts, seeds, votes and rulings beside them.

Promises: one dispute of an order is open, whoever asks at the same time; a round is ruled once and a dispute ends once,
for the keys say so; a dispute that changed since it was read is not saved; a seed is read by the draw alone.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, Select, Table, insert, select
from sqlalchemy.exc import IntegrityError

from services.trading.rules.arbiter_draw import Nonces
from services.trading.rules.demand import Category, Demand, Remedy
from services.trading.rules.dispute import (
    DISPUTE,
    OPEN,
    Answer,
    Appeal,
    Dispute,
    DisputedAlready,
    Extension,
    NoSuchDispute,
    Notice,
    State,
)
from services.trading.rules.dispute_outcome import Offer, Outcome
from services.trading.rules.dispute_rules import DisputeRules
from services.trading.rules.evidence import Evidence, EvidenceKind
from services.trading.rules.order import State as OrderState
from services.trading.rules.ruling import Panel, Ruling
from services.trading.store import rows
from services.trading.tables.deals import orders
from services.trading.tables.disputes import disputes, evidence, outcomes, rulings, seats, seeds, texts, votes
from shared.database import Transaction, for_update, insert_into
from shared.ids import DisputeId, OrderId, ParticipantId, UserId, VersionId
from shared.money import Money
from shared.web import Page

DUE_MAX = 100


@dataclass(frozen=True, slots=True)
class Course:
    """What of a dispute changes, and is nobody's key."""

    commitments: tuple[str, ...]
    nonces: tuple[Nonces, ...]
    notice: Notice | None
    answer: Answer | None
    panels: tuple[Panel, ...]
    rulings: tuple[Ruling, ...]
    appeal: Appeal | None
    offers: tuple[Offer, ...]
    extensions: tuple[Extension, ...]
    outcome: Outcome | None


_course = TypeAdapter(Course)
_rules = TypeAdapter(DisputeRules)


async def add_dispute(tx: Transaction, dispute: Dispute) -> None:
    """Requires the locked order. Raises DisputedAlready."""
    demand = dispute.demand
    row = {
        "id": dispute.id, "order_id": dispute.order_id, "contract_id": dispute.contract_id,
        "buyer_id": dispute.buyer_id, "provider_id": dispute.provider_id, "claimant_id": dispute.claimant_id,
        "price_minor": dispute.price.minor, "disputed_minor": demand.amount.minor, "currency": dispute.price.currency,
        "category": demand.category, "remedies": list(demand.remedies), "rules": rows.told(dispute.rules),
        "came_from": dispute.came_from, "window_seconds": dispute.window_seconds,
        "notice_fact_id": dispute.notice_fact_id, "opened_at": dispute.opened_at, **_row(dispute),
    }  # fmt: skip
    try:
        await rows.add(tx, disputes, row)
    except IntegrityError as error:
        raise DisputedAlready(order_id=dispute.order_id) from error
    await _add_beside(tx, dispute, None)


async def save_dispute(tx: Transaction, before: Dispute, after: Dispute) -> None:
    """With what of it is new: evidence, votes, rulings, seats, the outcome."""
    await rows.save(tx, disputes, after, _row(after), acts=after.revision - before.revision)
    await _add_beside(tx, after, before)


async def add_seed(tx: Transaction, dispute_id: DisputeId, number: int, seed: str, commitment: str) -> None:
    """Of a round's draw; one that is there stays."""
    row = {"dispute_id": dispute_id, "round": number, "seed": seed, "commitment": commitment}
    await tx.execute(insert_into(tx, seeds).values(row).on_conflict_do_nothing())


async def seed_of(tx: Transaction, dispute_id: DisputeId, number: int) -> str:
    """Requires that one was committed to."""
    found = await tx.scalar(select(seeds.c.seed).where(seeds.c.dispute_id == dispute_id, seeds.c.round == number))
    assert found is not None
    return found


async def add_texts(tx: Transaction, dispute_id: DisputeId, contents: Mapping[str, str]) -> None:
    """By their hashes; one that is there stays."""
    told = [{"dispute_id": dispute_id, "hash": each, "content": content} for each, content in contents.items()]
    if told:
        await tx.execute(insert_into(tx, texts).on_conflict_do_nothing(), told)


async def texts_of(tx: Transaction, dispute_id: DisputeId) -> dict[str, str]:
    query = select(texts.c.hash, texts.c.content).where(texts.c.dispute_id == dispute_id).order_by(texts.c.hash)
    return {row.hash: row.content for row in await tx.execute(query)}


async def text_of(tx: Transaction, dispute_id: DisputeId, content_hash: str) -> str | None:
    where = (texts.c.dispute_id == dispute_id, texts.c.hash == content_hash)
    return await tx.scalar(select(texts.c.content).where(*where))


async def order_of(tx: Transaction, dispute_id: DisputeId) -> OrderId:
    """The order, which is locked before the dispute. Raises NoSuchDispute."""
    found = await tx.scalar(select(disputes.c.order_id).where(disputes.c.id == dispute_id))
    if found is None:
        raise NoSuchDispute()
    return found


async def version_of(tx: Transaction, dispute_id: DisputeId) -> VersionId:
    """What the dispute is about. Raises NoSuchDispute."""
    query = select(orders.c.version_id).join(disputes, disputes.c.order_id == orders.c.id)
    found = await tx.scalar(query.where(disputes.c.id == dispute_id))
    if found is None:
        raise NoSuchDispute()
    return found


async def dispute(tx: Transaction, dispute_id: DisputeId, *, lock: bool = False) -> Dispute:
    """Anyone's. Raises NoSuchDispute."""
    query = select(*disputes.c).where(disputes.c.id == dispute_id)
    row = (await tx.execute(for_update(query, tx) if lock else query)).one_or_none()
    if row is None:
        raise NoSuchDispute()
    return (await _disputes(tx, [row]))[0]


async def is_decided(tx: Transaction, order_id: OrderId) -> bool:
    """Whether a dispute over the order has come to an outcome. Requires the locked order."""
    return await tx.scalar(select(outcomes.c.dispute_id).where(outcomes.c.order_id == order_id)) is not None


async def page_of_disputes(
    tx: Transaction, page: Page, party_id: ParticipantId | None, arbiter_id: UserId | None
) -> list[Dispute]:
    """A party's, or those that an arbiter sits or sat on. For neither, everyone's."""
    query = select(*disputes.c).where(*rows.whose(disputes.c.buyer_id, disputes.c.provider_id, party_id))
    if arbiter_id is not None:
        query = query.where(disputes.c.id.in_(select(seats.c.dispute_id).where(seats.c.arbiter_id == arbiter_id)))
    found = await tx.execute(rows.newest_first(query, disputes.c.id, DisputeId, page))
    return await _disputes(tx, found.all())


async def disputes_due(tx: Transaction, now: datetime) -> list[DisputeId]:
    """Those whose deadline has passed, at most a hundred, the longest overdue first."""
    where = (disputes.c.state.in_(DISPUTE.open_states()), disputes.c.deadline <= now)
    return list(await tx.scalars(select(disputes.c.id).where(*where).order_by(disputes.c.deadline).limit(DUE_MAX)))


async def notices_unproven(tx: Transaction, now: datetime) -> list[DisputeId]:
    """Those that wait for the proof of their notice, at most a hundred, the newest first: older ones are due soon."""
    where = (disputes.c.state == OPEN, disputes.c.deadline > now)
    return list(await tx.scalars(select(disputes.c.id).where(*where).order_by(disputes.c.id.desc()).limit(DUE_MAX)))


async def _add_beside(tx: Transaction, after: Dispute, before: Dispute | None) -> None:
    known = len(before.evidence) if before else 0
    await _add(tx, evidence, [{"dispute_id": after.id, **asdict(each)} for each in after.evidence[known:]])
    ruled = len(before.rulings) if before else 0
    await _add(tx, rulings, [_ruling_row(after, each) for each in after.rulings[ruled:]])
    await _add(tx, votes, [
        {"dispute_id": after.id, "round": panel.number, "arbiter_id": vote.arbiter_id, "vote": rows.told(vote)}
        for panel in after.panels for vote in panel.votes
        if before is None or not _has_voted(before, panel.number, vote.arbiter_id)
    ])  # fmt: skip
    sitting = {each for panel in after.panels for each in panel.seated}
    for arbiter_id in sorted(sitting - {each for panel in (before.panels if before else ()) for each in panel.seated}):
        row = {"dispute_id": after.id, "arbiter_id": arbiter_id}
        await tx.execute(insert_into(tx, seats).values(row).on_conflict_do_nothing())


async def add_outcome(tx: Transaction, dispute: Dispute, now: datetime) -> None:
    """The one that there is. Requires a dispute that has just ended so."""
    outcome = dispute.outcome
    assert outcome is not None
    row = {
        "dispute_id": dispute.id, "order_id": dispute.order_id, "basis": outcome.basis,
        "claimant_minor": outcome.claimant.minor, "respondent_minor": outcome.respondent.minor, "ended_at": now,
    }  # fmt: skip
    try:
        await rows.add(tx, outcomes, row)
    except IntegrityError as error:
        raise rows.ChangedMeanwhile() from error


async def _add(tx: Transaction, table: Table, told: list[dict[str, object]]) -> None:
    if told:
        try:
            await tx.execute(insert(table), told)
        except IntegrityError as error:
            raise rows.ChangedMeanwhile() from error


def _has_voted(dispute: Dispute, number: int, arbiter_id: UserId) -> bool:
    return any(
        panel.number == number and any(vote.arbiter_id == arbiter_id for vote in panel.votes)
        for panel in dispute.panels
    )  # fmt: skip


async def _disputes(tx: Transaction, found: Any) -> list[Dispute]:
    """With their evidence, by one query."""
    ids = [row.id for row in found]
    query: Select[Any] = select(*evidence.c).where(evidence.c.dispute_id.in_(ids))
    pieces = dict[DisputeId, list[Evidence]]()
    for row in await tx.execute(query.order_by(evidence.c.dispute_id, evidence.c.sequence)):
        piece = Evidence(row.sequence, row.by, EvidenceKind(row.kind), row.content_hash, row.kept, row.added_at)
        pieces.setdefault(row.dispute_id, []).append(piece)
    return [_dispute(row, tuple(pieces.get(row.id, ()))) for row in found]


def _dispute(row: Row[Any], pieces: tuple[Evidence, ...]) -> Dispute:
    course = _course.validate_python(row.course)
    remedies = tuple(Remedy(each) for each in row.remedies)
    demand = Demand(Category(row.category), Money(row.disputed_minor, row.currency), remedies)
    return Dispute(
        id=row.id, order_id=row.order_id, contract_id=row.contract_id, buyer_id=row.buyer_id,
        provider_id=row.provider_id, claimant_id=row.claimant_id, price=Money(row.price_minor, row.currency),
        demand=demand, rules=_rules.validate_python(row.rules), came_from=OrderState(row.came_from),
        window_seconds=row.window_seconds, notice_fact_id=row.notice_fact_id, opened_at=row.opened_at,
        state=State(row.state), deadline=row.deadline, provisional=row.provisional, evidence=pieces,
        commitments=course.commitments, nonces=course.nonces, notice=course.notice, answer=course.answer,
        panels=course.panels, rulings=course.rulings, appeal=course.appeal, offers=course.offers,
        extensions=course.extensions, outcome=course.outcome, reason_code=row.reason_code, revision=row.revision,
    )  # fmt: skip


def _row(dispute: Dispute) -> dict[str, object]:
    """What may change: who claims what of whom is written once."""
    course = Course(
        dispute.commitments, dispute.nonces, dispute.notice, dispute.answer, dispute.panels, dispute.rulings,
        dispute.appeal, dispute.offers, dispute.extensions, dispute.outcome,
    )  # fmt: skip
    return {
        "state": dispute.state, "deadline": dispute.deadline, "provisional": dispute.provisional,
        "course": rows.told(course), "reason_code": dispute.reason_code, "revision": dispute.revision,
    }  # fmt: skip


def _ruling_row(dispute: Dispute, ruling: Ruling) -> dict[str, object]:
    return {
        "dispute_id": dispute.id, "round": ruling.number, "claimant_basis_points": ruling.split.claimant,
        "respondent_basis_points": ruling.split.respondent, "given_at": ruling.given_at,
    }  # fmt: skip
