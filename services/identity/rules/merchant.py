"""What kinds of data merchants (数商) there are, and which proofs an admission of each takes.

Promises: the catalogue is data in versions, each in force from a day; of what may be trusted with more, more is proven,
never less; what an organisation is in several classes it proves for all of them; who sells, and is of no class that
stands by itself, is vouched for by one that does, where the market asks for that.
Source: the classes are those of 上海数据交易所数商管理规范 art. 4; the clearances those of the permission matrix (C1
registered and identified, C2 purpose declared, C3 security capability, C4 等保三级 and consent to audit, C5 approved by
the data's authority). Whoever sells is a data merchant or is sponsored (保荐) by one: the guide of Shenyang,
art. 6, and much the same in Shenzhen. Which class must show a qualification, and which ones sponsor, is ours.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from services.identity.rules.document import CHECK_LASTS, Kind, Proofs
from services.identity.rules.role import Role
from shared.errors import Conflict
from shared.grades import Clearance


class MerchantClass(StrEnum):
    PARTY = "party"  # 供方与需方
    DELIVERY = "delivery"  # 数据交付服务商
    ASSESSMENT = "assessment"  # 数据专业评估服务商
    INTERMEDIARY = "intermediary"  # 数据专业中介服务商
    CONSULTING = "consulting"  # 数据专业咨询服务商
    OTHER = "other"  # 其他


# Whoever assesses does not vouch: it would assess what it vouched for.
SPONSORS = frozenset({MerchantClass.DELIVERY, MerchantClass.INTERMEDIARY, MerchantClass.CONSULTING})
ANOTHER_SPONSOR_WITHIN = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Which proofs are taken from whom, from a moment on. `by_clearance` says what each adds to the ones before it."""

    version: str
    in_force_from: datetime
    by_clearance: Mapping[Clearance, frozenset[Kind]]
    by_class: Mapping[MerchantClass, frozenset[Kind]]


CATALOGUES: tuple[Catalogue, ...] = (
    Catalogue(
        "2026-1",
        datetime(2026, 1, 1, tzinfo=UTC),
        {
            Clearance.C1: frozenset({
                Kind.BUSINESS_LICENCE, Kind.REPRESENTATIVE_IDENTITY, Kind.AUTHORISATION, Kind.UNDERTAKING,
            }),
            Clearance.C2: frozenset({Kind.STATEMENT_OF_PURPOSE}),
            Clearance.C3: frozenset({Kind.SECURITY_CAPABILITY}),
            Clearance.C4: frozenset({Kind.PROTECTION_LEVEL_THREE, Kind.CONSENT_TO_AUDIT}),
            Clearance.C5: frozenset({Kind.APPROVAL_BY_AUTHORITY}),
        },
        {
            MerchantClass.PARTY:        frozenset(),
            MerchantClass.DELIVERY:     frozenset({Kind.SECURITY_CAPABILITY}),
            MerchantClass.ASSESSMENT:   frozenset({Kind.PROFESSIONAL_QUALIFICATION}),
            MerchantClass.INTERMEDIARY: frozenset({Kind.PROFESSIONAL_QUALIFICATION}),
            MerchantClass.CONSULTING:   frozenset(),
            MerchantClass.OTHER:        frozenset(),
        },
    ),
)  # fmt: skip


class ProofMissing(Conflict):
    """Not everything is proven that an admission with this clearance takes."""


class SponsorMissing(Conflict):
    """Whoever sells, and is of these classes only, takes a sponsor: ask one of `GET /identity/v1/sponsors` by `POST
    /identity/v1/sponsorships`, and have this decided again once it has signed."""


def catalogue_at(now: datetime, catalogues: Sequence[Catalogue] = CATALOGUES) -> Catalogue:
    """The newest that is in force; the first one for any moment before it."""
    in_force = [each for each in catalogues if each.in_force_from <= now]
    return in_force[-1] if in_force else catalogues[0]


def required(catalogue: Catalogue, classes: Iterable[MerchantClass], clearance: Clearance) -> frozenset[Kind]:
    for_clearance = [kinds for step, kinds in catalogue.by_clearance.items() if step <= clearance]
    return frozenset[Kind]().union(*for_clearance, *(catalogue.by_class[each] for each in classes))


def proven_until(
    catalogue: Catalogue, classes: Set[MerchantClass], clearance: Clearance, proofs: Proofs, now: datetime
) -> datetime:
    """Until when an admission stands on these proofs: half a year at most. Raises ProofMissing."""
    kinds = required(catalogue, classes, clearance)
    if missing := kinds - proofs.until.keys():
        raise ProofMissing(missing=sorted(missing), clearance=clearance)
    return min((proofs.until[kind] for kind in kinds), default=now + CHECK_LASTS)


def takes_sponsor(roles: Set[Role], classes: Set[MerchantClass], sponsored: Set[MerchantClass]) -> bool:
    """Whether an organisation sells, and is only of classes that the market asks a sponsor of."""
    return Role.PROVIDER in roles and classes <= sponsored


def backed_until(classes: Set[MerchantClass], proofs: Proofs, until: datetime) -> datetime:
    """Until when what stands on proofs until then is vouched for as well. Raises SponsorMissing."""
    if not proofs.takes_sponsor:
        return until
    if proofs.sponsored_until is None:
        raise SponsorMissing(classes=sorted(classes))
    return min(until, proofs.sponsored_until)
