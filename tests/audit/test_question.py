"""What can be asked, and where the answer to a question about events' own times can lie."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.rules import question
from services.audit.rules.question import (
    AboutSubjects,
    AtTime,
    FromSource,
    NothingToAnswer,
    OneQuestionAtATime,
    Subject,
)  # fmt: skip
from services.audit.rules.snapshot import Lags
from services.audit.schemas.answers import Asked
from services.audit.schemas.log import INTEGER_MAX
from shared.ids import AssetId, ContractId, ParticipantId

ASSET, CONTRACT = AssetId(f"asset_{1:032x}"), ContractId(f"contract_{2:032x}")
ORGANISATION = ParticipantId(f"participant_{3:032x}")
NEVER, NOON = (None, None), datetime(2030, 1, 1, 12, tzinfo=UTC)


def test_a_contract_is_asked_for_as_an_object_and_as_what_things_happen_under():
    assert question.about_objects(ASSET, CONTRACT) == AboutSubjects(
        (Subject("obj", ASSET), Subject("obj", CONTRACT), Subject("ctr", CONTRACT))
    )
    assert question.about_objects(ASSET, ASSET) == question.about_objects(ASSET)


def test_an_organisation_is_asked_for_as_who_acted_and_as_an_object():
    assert question.about_organisation(ORGANISATION).subjects == (
        Subject("org", ORGANISATION), Subject("obj", ORGANISATION),
    )  # fmt: skip
    assert question.about_actor("user_1") == AboutSubjects((Subject("actor", "user_1"),))


@pytest.mark.parametrize("asked, text", [
    (question.about_objects(ASSET, CONTRACT), f"{ASSET},{CONTRACT}"),
    (FromSource("trading", 3, 1, 9), "trading/3/1-9"), (AtTime("happened", 5, 7), "happened/5-7"),
])  # fmt: skip
def test_a_question_is_told_as_text(asked: question.Question, text: str):
    assert str(asked) == text


def test_one_thing_is_asked_at_a_time():
    source = FromSource("trading", 0, 1, 1)
    assert question.the_one(None, source, None) == source
    for several in ((), (None,), (source, source)):
        with pytest.raises(OneQuestionAtATime):
            question.the_one(*several)


def test_a_range_may_be_empty_but_not_end_before_it_begins():
    assert FromSource("trading", 0, 4, 4).last_seq == 4
    with pytest.raises(NothingToAnswer) as wrong:
        FromSource("trading", 0, 4, 3)
    assert wrong.value.facts == {"first_seq": 4, "last_seq": 3}
    assert AtTime("ingested", 4, 4).until_us == 4
    with pytest.raises(NothingToAnswer) as wrong:
        AtTime("ingested", 4, 3)
    assert wrong.value.facts == {"from_us": 4, "until_us": 3}


def test_an_open_end_is_the_furthest():
    assert Asked(None, None, None, ("trading", None, None, None), NEVER, NEVER).question() == FromSource(
        "trading", 0, 1, INTEGER_MAX - 1
    )
    nothing = (None, None, None, None)
    assert Asked(None, None, None, nothing, (NOON, None), NEVER).question() == AtTime(
        "ingested", 1_893_499_200_000_000, INTEGER_MAX
    )
    assert Asked(None, None, None, nothing, NEVER, (None, NOON)).question() == AtTime(
        "happened", 0, 1_893_499_200_000_000
    )


@pytest.mark.parametrize("source", [(None, 0, None, None), (None, None, 3, None), (None, None, None, 3)])
def test_numbers_of_no_source_are_refused(source: tuple[None, int | None, int | None, int | None]):
    with pytest.raises(OneQuestionAtATime):
        Asked(None, None, None, source, NEVER, NEVER).question()


moments = st.integers(-1000, 1000)


@given(events=st.lists(st.tuples(moments, st.integers(-50, 50))), first=moments, length=st.integers(0, 300))
def test_whatever_happened_at_a_time_was_taken_within_the_widest_lags(
    events: list[tuple[int, int]], first: int, length: int
):
    lags = Lags().with_these(lag for _, lag in events)
    asked = AtTime("happened", first, first + length)
    taken_from, taken_until = asked.ingested_within(lags)
    for happened, lag in events:
        if asked.from_us <= happened < asked.until_us:
            assert taken_from <= happened + lag < taken_until


def test_the_lags_widen_only_what_happened():
    assert AtTime("ingested", 10, 20).ingested_within(Lags(-3, 4)) == (10, 20)
    assert AtTime("happened", 10, 20).ingested_within(Lags(-3, 4)) == (7, 24)
    assert AtTime("happened", 10, 20).ingested_within(Lags()) == (10, 20)
