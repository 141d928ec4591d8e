"""How one organisation vouches for another (保荐): asked for by the sponsored, looked into and signed by the sponsor.

Promises: nobody vouches for themselves, for an affiliate, or while others must vouch for them, so no two vouch for each
other; a sponsor is admitted when it signs, and vouches for no longer than it is; a signature is over terms that never
change; one organisation has one sponsor at a time; each that was lost is on record with when and why.
Does not: say who takes a sponsor (`merchant`), or what losing one does to an admission (`participant`).
Source: the guide to data trading of Shenyang, art. 6 (a seller is a data merchant, or is sponsored by one). The terms
of time are ours.
"""

from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.identity.rules.merchant import ANOTHER_SPONSOR_WITHIN, SPONSORS, MerchantClass, takes_sponsor
from services.identity.rules.participant import ADMITTED, Participant, status_at
from shared import canonical
from shared.errors import Conflict, Malformed, NotFound
from shared.facts import microseconds
from shared.ids import KeyId, ParticipantId, SponsorshipId
from shared.lifecycle import Lifecycle

ANSWERED_WITHIN = timedelta(days=14)
LASTS_MAX = timedelta(days=366)
SPONSORED_MAX = 50  # how many one organisation can look after, and how many its suspension reaches in one commit
SIGNED_PREFIX = b"yaosu sponsorship v1\n"


class State(StrEnum):
    ASKED = "asked"
    IN_FORCE = "in_force"
    DECLINED = "declined"
    LAPSED = "lapsed"
    ENDED = "ended"


ASKED, IN_FORCE, DECLINED, LAPSED, ENDED = State
SPONSORSHIP = Lifecycle(start=ASKED, moves={
    ASKED:    {IN_FORCE, DECLINED, LAPSED, ENDED},  # ended: the sponsored takes it back, or has left
    IN_FORCE: {ENDED},
    DECLINED: set(),
    LAPSED:   set(),
    ENDED:    set(),
})  # fmt: skip


class Ending(StrEnum):
    """Why a sponsorship came to its end, where nobody gave a reason of their own."""

    NOT_ANSWERED = "not_answered_in_time"
    PERIOD_OVER = "period_over"
    GIVEN_UP = "given_up_by_sponsored"
    SUCCEEDED = "succeeded_by_another"
    SPONSOR_NOT_ADMITTED = "sponsor_not_admitted"
    SPONSORED_LEFT = "sponsored_left"
    AFFILIATED = "affiliated"


@dataclass(frozen=True, slots=True)
class Signature:
    """Ed25519 over `message`, in base64, by a key that was the sponsor's when it signed."""

    key_id: KeyId
    signature: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Sponsorship:
    """`sponsored_name` and `sponsored_uscc`: whom the sponsor signed for, as it was called then."""

    id: SponsorshipId
    sponsor_id: ParticipantId
    sponsored_id: ParticipantId
    sponsored_name: str
    sponsored_uscc: str
    ends_at: datetime
    state: State
    deadline: datetime | None
    signature: Signature | None = None
    reason_code: str | None = None
    revision: int = 1

    @property
    def next_actor(self) -> str | None:
        return {ASKED: "sponsor", IN_FORCE: "sponsored"}.get(self.state)

    @property
    def terms_hash(self) -> str:
        """What the sponsor signs, after a prefix that fits nothing else."""
        return canonical.digest({
            "sponsorship_id": str(self.id), "sponsor_id": str(self.sponsor_id), "sponsored_id": str(self.sponsored_id),
            "sponsored_name": self.sponsored_name, "sponsored_uscc": self.sponsored_uscc,
            "ends_at": microseconds(self.ends_at),
        })  # fmt: skip


class NoSuchSponsorship(NotFound):
    """There is no such sponsorship, or you may not see it."""


class OwnSponsor(Conflict):
    """An organisation does not vouch for itself."""


class NotASponsor(Conflict):
    """Only an admitted data merchant of one of these classes, that takes no sponsor itself, vouches for others."""


class SponsorIsAffiliate(Conflict):
    """Affiliates do not vouch for each other."""


class SponsorshipPeriodNotPossible(Malformed):
    """A sponsorship ends after now, and within a year."""


class SponsorshipAnsweredTooLate(Conflict):
    """The time to answer is over; let yourself be asked again."""


class TooManySponsored(Conflict):
    """Your organisation vouches for as many as it may."""


class SponsorshipSignatureInvalid(Malformed):
    """The signature is not this key's over `yaosu sponsorship v1`, a line feed and the hash of the terms in hex."""


def ask(
    sponsorship_id: SponsorshipId, sponsor: Participant, sponsored: Participant, affiliates: Set[ParticipantId],
    policy: Set[MerchantClass], ends_at: datetime, now: datetime,
) -> Sponsorship:  # fmt: skip
    """Requires the sponsored's affiliates, and the classes that take a sponsor. Raises OwnSponsor, NotASponsor,
    SponsorIsAffiliate, SponsorshipPeriodNotPossible."""
    _require_able(sponsor, sponsored, affiliates, policy, now)
    if not now < ends_at <= now + LASTS_MAX:
        raise SponsorshipPeriodNotPossible(days_max=LASTS_MAX.days)
    deadline = min(now + ANSWERED_WITHIN, ends_at)
    return Sponsorship(
        sponsorship_id, sponsor.id, sponsored.id, sponsored.name, sponsored.uscc, ends_at, SPONSORSHIP.start, deadline
    )


def sign(
    sponsorship: Sponsorship, sponsor: Participant, sponsored: Participant, affiliates: Set[ParticipantId],
    policy: Set[MerchantClass], already_sponsored: int, signature: Signature,
) -> Sponsorship:  # fmt: skip
    """In force, by the sponsor. Requires that the signature verifies, and how many it vouches for already. Raises
    SponsorshipAnsweredTooLate, TooManySponsored, and as `ask` where the two no longer fit."""
    state, now = SPONSORSHIP.move(sponsorship.state, IN_FORCE), signature.signed_at
    if sponsorship.deadline is not None and now >= sponsorship.deadline:
        raise SponsorshipAnsweredTooLate(deadline=sponsorship.deadline)
    _require_able(sponsor, sponsored, affiliates, policy, now)
    if already_sponsored >= SPONSORED_MAX:
        raise TooManySponsored(sponsored_max=SPONSORED_MAX)
    return _change(sponsorship, state=state, deadline=sponsorship.ends_at, signature=signature)


def decline(sponsorship: Sponsorship, reason_code: str) -> Sponsorship:
    """By the sponsor, while it is asked."""
    return _end(sponsorship, DECLINED, reason_code)


def end(sponsorship: Sponsorship, reason_code: str) -> Sponsorship:
    """By the sponsored at any time, by the sponsor and by what happens to either once it is in force."""
    return _end(sponsorship, ENDED, reason_code)


def pass_deadline(sponsorship: Sponsorship) -> Sponsorship:
    """Requires that its deadline has passed."""
    if sponsorship.state is ASKED:
        return _end(sponsorship, LAPSED, Ending.NOT_ANSWERED)
    return _end(sponsorship, ENDED, Ending.PERIOD_OVER)


def message(sponsorship: Sponsorship) -> bytes:
    return SIGNED_PREFIX + sponsorship.terms_hash.encode("ascii")


def vouches_until(
    sponsorship: Sponsorship | None, sponsor: Participant | None, now: datetime
) -> datetime | None:  # fmt: skip
    """Until when an admission stands on it: until another had to be found after its end; None if it does not stand,
    or its sponsor does not."""
    if sponsorship is None or sponsor is None or sponsorship.state is not IN_FORCE or now >= sponsorship.ends_at:
        return None
    return sponsorship.ends_at + ANOTHER_SPONSOR_WITHIN if status_at(sponsor, now) is ADMITTED else None


def may_sponsor(participant: Participant, policy: Set[MerchantClass], now: datetime) -> bool:
    """Whether it is admitted at this moment, of a class that vouches, and stands by itself."""
    stands = not takes_sponsor(participant.roles, participant.classes, policy)
    return status_at(participant, now) is ADMITTED and bool(participant.classes & SPONSORS) and stands


def require_side(sponsorship: Sponsorship, participant_id: ParticipantId | None, *sides: ParticipantId) -> None:
    """Raises NoSuchSponsorship for whoever is on none of these sides of it."""
    if participant_id is None or participant_id not in (sides or (sponsorship.sponsor_id, sponsorship.sponsored_id)):
        raise NoSuchSponsorship()


def _require_able(
    sponsor: Participant, sponsored: Participant, affiliates: Set[ParticipantId], policy: Set[MerchantClass],
    now: datetime,
) -> None:  # fmt: skip
    if sponsor.id == sponsored.id or sponsor.uscc == sponsored.uscc:
        raise OwnSponsor()
    if not may_sponsor(sponsor, policy, now):
        raise NotASponsor(classes=sorted(SPONSORS))
    if sponsor.id in affiliates:
        raise SponsorIsAffiliate()


def _end(sponsorship: Sponsorship, to: State, reason_code: str) -> Sponsorship:
    state = SPONSORSHIP.move(sponsorship.state, to)
    return _change(sponsorship, state=state, deadline=None, reason_code=reason_code)


def _change(sponsorship: Sponsorship, **changes: Any) -> Sponsorship:
    return replace(sponsorship, revision=sponsorship.revision + 1, **changes)
