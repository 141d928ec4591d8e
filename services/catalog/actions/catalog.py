"""What the acts of this service need, and who looks at what."""

import base64
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from services.catalog.rules import certificate as certificate_rules
from services.catalog.rules.asset import Entry
from services.catalog.rules.certificate import Certificate, Signed
from services.catalog.rules.registration import Terms
from services.catalog.rules.viewing import ANYONE, Viewer
from shared import canonical
from shared.access import Caller, Member, Role
from shared.changes import FeedClient, Source
from shared.clock import Clock
from shared.core import Core
from shared.database import Database
from shared.disclosing import Disclosures
from shared.errors import NotFound
from shared.ids import Id
from shared.outbox import Outbox
from shared.oversight import oversight
from shared.permission import OPERATORS
from shared.settings import Settings
from shared.signing import SigningKey, public_key_of
from shared.standing import StandingMirror

STAFF = frozenset(OPERATORS) | {Role.REGULATOR}
AnyId = TypeVar("AnyId", bound=Id)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Certifier:
    """Who signs certificates: the key that signs now, and the public keys that did before."""

    key: SigningKey
    issuer: str
    retired: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> "Certifier":
        """Raises ValueError that names the setting."""
        issuer = settings.issuer.removesuffix("/identity") + "/catalog"
        retired = tuple(public_key_of(key) for key in settings.certificate_keys_retired)
        return cls(SigningKey.from_pem(settings.require_secret("certificate_key")), issuer, retired)

    @property
    def public_keys(self) -> tuple[bytes, ...]:
        """The present one first."""
        return (self.key.public, *self.retired)

    def sign(self, certificate: Certificate, holder_name: str | None) -> Signed:
        document = certificate_rules.document(certificate, self.issuer, holder_name)
        text = canonical.encode(document).decode()
        signature = base64.b64encode(self.key.sign(certificate_rules.message(text))).decode()
        return Signed(certificate, text, certificate_rules.key_id(self.key.public), signature)


@dataclass(frozen=True, slots=True)
class Catalog:
    database: Database
    outbox: Outbox
    standing: StandingMirror
    certifier: Certifier
    terms: Terms
    clock: Clock
    trading_feed: Source
    pricing_feed: Source
    disclosures: Disclosures

    @classmethod
    def of(cls, core: Core) -> "Catalog":
        settings = core.settings
        terms = Terms(timedelta(days=settings.notice_days_in_force), timedelta(days=settings.certificate_days))
        return cls(
            core.database, core.outbox, core.standing, Certifier.of(settings), terms, core.clock,
            FeedClient(core.peer("trading")), FeedClient(core.peer("pricing")),
            Disclosures(core.database, core.peer("audit")),
        )  # fmt: skip


def viewer(catalog: Catalog, caller: Caller | Member | None) -> Viewer:
    """What the caller may be shown, by their standing at this moment."""
    if isinstance(caller, Member):
        return viewer(catalog, caller.caller)
    if caller is None:
        return ANYONE
    clearance = catalog.standing.clearance_of(caller.participant_id)
    charges = catalog.standing.charges_of(caller.subject) if STAFF & caller.roles else ()
    return Viewer(caller.participant_id, clearance, oversight(caller.roles, charges))


def require_overseen(catalog: Catalog, officer: Caller, entry: Entry, absent: type[NotFound]) -> None:
    """Raises `absent` for an officer to whom not all of an entry shows: what they would decide on is not there."""
    if not viewer(catalog, officer).reads_files_of(entry):
        raise absent()


async def move_on(due: Iterable[AnyId], move: Callable[[AnyId], Awaitable[None]]) -> None:
    """Move each on whose deadline has passed. One that cannot be keeps no other waiting."""
    for each in due:
        try:
            await move(each)
        except Exception:
            log.exception("%s could not be moved on; it is tried again", each)
