"""What can go wrong, in families that know nothing of HTTP.

Promises: an error's class name is its stable code, its docstring its title, its facts what the caller needs to know.
A rule derives its own errors from a family; `problems.py` alone gives a family its status.
"""

import re


class Failure(Exception):
    """Something broke on our side; whether the act took effect is unknown."""

    def __init__(self, /, **facts: object) -> None:
        super().__init__(facts)
        self.facts = facts

    @classmethod
    def code(cls) -> str:
        """The name on the wire: `BidTooLow` is `bid_too_low`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    @property
    def told_code(self) -> str:
        """The code that this one error goes out under: its class's, unless the class has many reasons to tell."""
        return self.code()


class Unreadable(Failure):
    """What you sent is not a request that can be read."""


class Unauthenticated(Failure):
    """We do not know who you are."""


class Forbidden(Failure):
    """You may not do this."""


class NotAdmitted(Forbidden):
    """Your organisation is not admitted to trade."""


class NotFound(Failure):
    """There is no such thing, or you may not see it."""


class NotOffered(Failure):
    """This cannot be done here."""


class Conflict(Failure):
    """The state of things does not allow this."""


class TooSlow(Failure):
    """What you sent did not come in time."""


class TooLarge(Failure):
    """What you sent is larger than is taken here."""


class OutOfRange(Failure):
    """This has no such part. The facts say its `size`."""


class UnsupportedMedia(Failure):
    """What you sent is of a kind that is not taken here."""


class Malformed(Failure):
    """What you sent cannot be understood."""


class TooMany(Failure):
    """You ask more often than is allowed; wait."""


class HeadersTooLarge(Failure):
    """The headers of your request are too many or too long."""


class Unavailable(Failure):
    """A part that is needed does not answer; try again."""
