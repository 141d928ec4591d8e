"""Users: people who log in, of an organisation or of the platform's staff, and the clients that an organisation runs.

Promises: two names that look alike after folding are one name, and no new one mixes alphabets; a password is long and
is not the name; a person is of an organisation or of the staff, never of both; nobody switches themselves off, so an
organisation keeps a way in.
Does not: hash or compare passwords.

A password of 8 characters would do beside a second factor (NIST SP 800-63B-4 3.1.1.2). 15 is the least for everybody,
because a factor can be lost or reset, and the password then stands alone.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from unicodedata import name, normalize

from services.identity.rules.common_password import is_commonplace
from services.identity.rules.role import Role, require_held, require_separate
from shared.errors import Conflict, Forbidden, Malformed, NotFound
from shared.ids import ApiClientId, ParticipantId, UserId

LOGIN_LENGTH_MIN = 3
LOGIN_LENGTH_MAX = 64
LOGIN_SIGNS = frozenset("._-@+")
BESIDE_ANY_ALPHABET = frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO"})
INVISIBLE_LETTERS = frozenset("\u115f\u1160")  # Hangul fillers: letters to Unicode, nothing to the eye
PASSWORD_LENGTH_MIN = 15
PASSWORD_LENGTH_MAX = 128
UNPREPARED_LENGTH_MAX = 4 * PASSWORD_LENGTH_MAX  # no character of NFC that a keyboard makes comes from more than four
PASSWORD_CHARACTERS_MIN = 5


@dataclass(frozen=True, slots=True)
class User:
    id: UserId
    login: str  # normalised
    roles: frozenset[Role]
    participant_id: ParticipantId | None  # None: of the platform's staff
    is_administrator: bool = False
    disabled_at: datetime | None = None
    disabled_by: str | None = None


@dataclass(frozen=True, slots=True)
class ApiClient:
    """A program that acts for an organisation, with a secret of its own."""

    id: ApiClientId
    participant_id: ParticipantId
    name: str
    roles: frozenset[Role]
    disabled_at: datetime | None = None


class NoSuchUser(NotFound):
    """There is no such user, or you may not see them."""


class NoSuchClient(NotFound):
    """There is no such client, or you may not see it."""


class LoginTaken(Conflict):
    """This log-in name is taken."""


class LoginNotUsable(Malformed):
    """A log-in name has 3 to 64 letters of one alphabet, digits and the signs . _ - @ and +."""


class PasswordTooWeak(Malformed):
    """A password has 15 to 128 characters, of at least five kinds, does not contain the log-in name, and is more than
    words, names and runs of keys that everyone guesses first."""


class NotAdministrator(Forbidden):
    """Only an administrator of your organisation may do this."""


class NotYourself(Conflict):
    """You cannot disable yourself; someone else must."""


class AlreadyDisabled(Conflict):
    """This is disabled already."""


def normalise(login: str) -> str:
    """The name that counts: NFKC and case folded (Unicode 3.13, R5), so that variants of a name are one name."""
    folded = normalize("NFKC", normalize("NFD", login).casefold())
    return normalize("NFKC", folded.casefold())


def new_login(text: str) -> str:
    """The normalised name. Raises LoginNotUsable if nobody may have it."""
    login = normalise(text)
    if not is_usable(login) or len(_alphabets(login)) > 1:
        raise LoginNotUsable()
    return login


def is_usable(login: str) -> bool:
    """Whether anybody may have the name. Requires a normalised name."""
    if not LOGIN_LENGTH_MIN <= len(login) <= LOGIN_LENGTH_MAX or INVISIBLE_LETTERS & set(login):
        return False
    return all(sign.isalnum() or sign in LOGIN_SIGNS for sign in login)


def _alphabets(login: str) -> set[str]:
    """Whose letters stand in it, by the first word of what Unicode calls each. Two beside each other look like one: a
    Cyrillic а in a Latin name (UTS 39, 5.2, highly restrictive)."""
    return {name(sign, sign).split()[0] for sign in login if sign.isalpha()} - BESIDE_ANY_ALPHABET


def new_password(text: str, login: str, context: Sequence[str] = ()) -> str:
    """The password as it is hashed. Raises PasswordTooWeak. Requires a normalised name; `context` is whatever else
    somebody would guess who knows whose it is, as the organisation's name."""
    password = prepare_password(text)
    if len(password) < PASSWORD_LENGTH_MIN:
        raise PasswordTooWeak()
    if len(set(password)) < PASSWORD_CHARACTERS_MIN:
        raise PasswordTooWeak()
    folded = normalise(password)
    if login in folded or is_commonplace(folded, [login, *map(normalise, context)]):
        raise PasswordTooWeak()
    return password


def prepare_password(text: str) -> str:
    """NFC, so that the same keys on two machines are one password. Empty, as nobody's is, for one that is too long.

    The length is looked at first: to compose 100 000 accents in disorder takes a minute.
    """
    password = normalize("NFC", text) if len(text) <= UNPREPARED_LENGTH_MAX else ""
    return password if len(password) <= PASSWORD_LENGTH_MAX else ""


def new_member(
    user_id: UserId, login: str, roles: Set[Role], participant_id: ParticipantId, organisation: Set[Role],
    *, is_administrator: bool = False,
) -> User:  # fmt: skip
    """Someone of an organisation with those roles. Requires a new log-in name."""
    require_held(roles, organisation)
    return User(user_id, login, frozenset(roles), participant_id, is_administrator)


def new_staff(user_id: UserId, login: str, roles: Set[Role]) -> User:
    """Someone of the platform, or the regulator. Requires a new log-in name."""
    require_separate(roles)
    return User(user_id, login, frozenset(roles), participant_id=None)


def new_client(
    client_id: ApiClientId, name: str, roles: Set[Role], participant_id: ParticipantId, organisation: Set[Role]
) -> ApiClient:
    require_held(roles, organisation)
    return ApiClient(client_id, participant_id, name, frozenset(roles))


def disable_user(user: User, disabled_by: str, now: datetime) -> User:
    if user.id == disabled_by:
        raise NotYourself()
    if user.disabled_at is not None:
        raise AlreadyDisabled()
    return replace(user, disabled_at=now, disabled_by=disabled_by)


def disable_client(client: ApiClient, now: datetime) -> ApiClient:
    if client.disabled_at is not None:
        raise AlreadyDisabled()
    return replace(client, disabled_at=now)
