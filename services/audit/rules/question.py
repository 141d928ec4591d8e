"""What can be asked of the log so that whoever gets the answer can see that nothing was left out.

Promises: each question has one form in which its answer is checked: whoever and whatever entries are about by their
back-links, a source by its numbers, a time by the entries that come next on both sides. Of events' own times, which do
not grow along the log, the entries that could be of that time are those within the widest lag that was ever told.
Source: audit-log 3.7.
"""

from dataclasses import dataclass
from typing import Literal

from services.audit.rules.snapshot import Lags
from shared.errors import Malformed
from shared.ids import ParticipantId

SUBJECTS_MAX = 32
Role = Literal["actor", "org", "onb", "obj", "ctr"]


class OneQuestionAtATime(Malformed):
    """Ask by an actor, an organisation, an object, a source or a time: by one of them, and by all of it."""


class NothingToAnswer(Malformed):
    """The range ends before it begins."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Someone or something in the role that an entry is linked by."""

    role: Role
    name: str


@dataclass(frozen=True, slots=True)
class AboutSubjects:
    """Every entry that is linked by any of these."""

    subjects: tuple[Subject, ...]

    def __str__(self) -> str:
        return ",".join(dict.fromkeys(each.name for each in self.subjects))


@dataclass(frozen=True, slots=True)
class FromSource:
    """Every entry with these numbers, both included, of a service's stripe."""

    service: str
    stripe: int
    first_seq: int
    last_seq: int

    def __post_init__(self) -> None:
        if self.last_seq < self.first_seq:
            raise NothingToAnswer(first_seq=self.first_seq, last_seq=self.last_seq)

    def __str__(self) -> str:
        return f"{self.service}/{self.stripe}/{self.first_seq}-{self.last_seq}"


@dataclass(frozen=True, slots=True)
class AtTime:
    """Every entry that the log took (`ingested`), or of an event that happened, from one moment until another."""

    what: Literal["ingested", "happened"]
    from_us: int
    until_us: int

    def __post_init__(self) -> None:
        if self.until_us < self.from_us:
            raise NothingToAnswer(from_us=self.from_us, until_us=self.until_us)

    def __str__(self) -> str:
        return f"{self.what}/{self.from_us}-{self.until_us}"

    def ingested_within(self, lags: Lags) -> tuple[int, int]:
        """From when until when the log took what this asks for, if none came earlier or later than these lags."""
        if self.what == "ingested":
            return self.from_us, self.until_us
        return self.from_us + (lags.least_us or 0), self.until_us + (lags.most_us or 0)


Question = AboutSubjects | FromSource | AtTime


def about_actor(actor_id: str) -> AboutSubjects:
    return AboutSubjects((Subject("actor", actor_id),))


def about_organisation(participant_id: ParticipantId) -> AboutSubjects:
    """What it did, and what was done to it."""
    return AboutSubjects((Subject("org", str(participant_id)), Subject("obj", str(participant_id))))


def about_objects(*ids: str) -> AboutSubjects:
    """Requires ids of things; a contract's entries are also those that only happened under it."""
    roles: dict[str, tuple[Role, ...]] = {each: ("obj", "ctr") if each.startswith("contract_") else ("obj",)
                                          for each in ids}  # fmt: skip
    return AboutSubjects(tuple(Subject(role, str(each)) for each, some in roles.items() for role in some))


def the_one(*questions: Question | None) -> Question:
    """The one that was asked."""
    asked = [each for each in questions if each is not None]
    if len(asked) != 1:
        raise OneQuestionAtATime()
    return asked[0]
