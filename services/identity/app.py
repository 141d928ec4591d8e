"""What `identity` is made of."""

from datetime import timedelta
from functools import partial

from fastapi import FastAPI
from pwdlib.hashers import HasherProtocol
from pwdlib.hashers.argon2 import Argon2Hasher

from services.identity import jobs
from services.identity.actions import recovery
from services.identity.actions.identity import Identity, Passwords
from services.identity.api.router import router
from services.identity.api.tokens import FORMS
from services.identity.rules.dormancy import Limits
from services.identity.rules.merchant import MerchantClass
from services.identity.rules.profile import Profile
from services.identity.verification import NoVerification, RestVerification, SandboxVerification, Verification
from shared import web
from shared.changes import FeedClient
from shared.core import Core
from shared.disclosing import Disclosures
from shared.guard import Doors
from shared.sealing import MasterKey
from shared.settings import SERVICES, Settings

# OWASP's and NIST's least is far below; the cost bounds how fast a stolen table can be tried.
MEMORY_KIBIBYTES, PASSES, LANES = 64 * 1024, 3, 4


def build(core: Core, *, hasher: HasherProtocol | None = None) -> FastAPI:
    """Requires the token key in the settings: identity alone holds it. Tests bring a cheaper hasher."""
    identity = identity_of(core, hasher or Argon2Hasher(PASSES, MEMORY_KIBIBYTES, LANES))
    doors = Doors(core.settings.allowed_hosts, forms=FORMS)
    first = partial(recovery.begin, identity)
    own = [partial(jobs.run, identity), partial(jobs.follow, identity)]
    return web.application(core, router, identity, jobs=own, doors=doors, first=first)


def identity_of(core: Core, hasher: HasherProtocol) -> Identity:
    """Identity without an app, for the command line."""
    if core.issuer is None:
        raise ValueError("identity needs the token key; no other service has it")
    settings = core.settings
    secrets = {name: settings.service_secrets.get(name) or settings.service_secret for name in SERVICES}
    return Identity(
        core.database,
        core.outbox,
        core.clock,
        core.issuer,
        settings.issuer,
        Passwords(hasher),
        {name: secret for name, secret in secrets.items() if secret},
        core.issuer.derived(b"pseudonyms of log-in names"),
        Disclosures(core.database, core.peer("audit")),
        MasterKey(core.issuer.derived(b"second factors").hex(), b"second factors"),
        core.issuer.derived(b"recovery codes"),
        settings.second_factor_required_of,
        settings.log_ins_per_network_max,
        _verification(core),
        Profile(settings.security_profile),
        frozenset(map(MerchantClass, settings.sponsored_classes)),
        _dormancy(settings),
        FeedClient(core.peer("trading")),
    )


def _dormancy(settings: Settings) -> Limits:
    shut = settings.dormant_shut_days_in_force
    return Limits(timedelta(days=settings.dormant_days), None if shut is None else timedelta(days=shut))


def _verification(core: Core) -> Verification:
    """The settings' own; without one, everyone is confirmed in development, and looked at by hand elsewhere."""
    if core.settings.verification_url:
        return RestVerification(core.directory, core.settings.verification_key)
    return SandboxVerification() if core.settings.environment == "development" else NoVerification()
