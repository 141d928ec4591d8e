"""What the facts that `identity` announces have in common. Every service's mirror of standing is folded from them.

Promises: the facts on one participant are in the order of its revisions, whichever stripes they stand in; no name,
contact or log-in of a person is told in clear; an organisation's name and credit code are, for they are public. A
log-in name that was tried in vain is a commitment. That of a user has a salt of its own and is disclosed to the keeper
of the log, who opens it in a case and can erase it. A name that nobody has may be a password in the wrong field: it is
kept nowhere, and committed to under a key of this service, so that it looks the same each time.
"""

from typing import ClassVar

from shared.facts import Category, Fact, Retention


class AdmissionFact(Fact):
    """About who takes part, and trusted with what."""

    __slots__ = ()
    category: ClassVar[Category] = Category.ADMISSION


class AccessFact(Fact):
    """About who was let in."""

    __slots__ = ()
    category: ClassVar[Category] = Category.ACCESS
    retention: ClassVar[Retention] = Retention.SECURITY
