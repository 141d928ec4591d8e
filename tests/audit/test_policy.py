"""Policies: whose word suffices, against the definition counted by hand and what only resembles a policy."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.rules import policy
from services.audit.rules.checkpoint import COSIGNATURE, VerifierKey
from services.audit.rules.policy import Group, KnownLog, NotAPolicy, Policy, Witness


def key(number: int, kind: bytes = COSIGNATURE) -> VerifierKey:
    return VerifierKey(f"witness.example/{number}", number.to_bytes(32, "big"), kind)


LOG = VerifierKey("yaosu.example/log", b"l" * 32)
NAMES = ["regulator", "partner_1", "partner_2", "auditor"]
WITNESSES = tuple(Witness(name, key(number)) for number, name in enumerate(NAMES))
# The default of the log: the regulator's side and one of two partners.
DEFAULT = Policy(
    (KnownLog(LOG, "https://yaosu.example/audit/v1/log"),), WITNESSES,
    (Group("partners", 1, ("partner_1", "partner_2")), Group("both", 2, ("regulator", "partners"))), "both",
)  # fmt: skip


def test_the_regulator_and_one_of_two_partners_suffice_and_nothing_less():
    sets = [set(some) for count in range(5) for some in combinations(NAMES, count)]
    met = [some for some in sets if DEFAULT.is_met(some)]
    assert met == [some for some in sets if "regulator" in some and some & {"partner_1", "partner_2"}]


@given(threshold=st.integers(1, 4), cosigned=st.sets(st.sampled_from(NAMES)))
def test_so_many_of_a_group_suffice_as_its_threshold_says(threshold: int, cosigned: set[str]):
    one_group = Policy((), WITNESSES, (Group("all_four", threshold, tuple(NAMES)),), "all_four")
    assert one_group.is_met(cosigned) == (len(cosigned) >= threshold)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Groups over whatever stands before them, as long as nothing is a member twice."""
    free, groups = list(NAMES), list[Group]()
    for number in range(draw(st.integers(0, 3))):
        members = draw(st.lists(st.sampled_from(free), min_size=1, unique=True)) if free else []
        if not members:
            break
        groups.append(Group(f"group_{number}", draw(st.integers(1, len(members))), tuple(members)))
        free = [name for name in free if name not in members] + [f"group_{number}"]
    names = ["none", *NAMES, *(group.name for group in groups)]
    return Policy((KnownLog(LOG),), WITNESSES, tuple(groups), draw(st.sampled_from(names)))


def counted(told: Policy, name: str, cosigned: set[str]) -> bool:
    """The definition, from the top down."""
    groups = {group.name: group for group in told.groups}
    if name in groups:
        return [counted(told, member, cosigned) for member in groups[name].members].count(True) >= groups[
            name
        ].threshold
    return name == "none" or name in cosigned


@given(told=policies(), cosigned=st.sets(st.sampled_from([*NAMES, "stranger", "group_0", "none"])))
def test_a_quorum_of_groups_of_groups_is_counted_as_it_is_defined(told: Policy, cosigned: set[str]):
    assert told.is_met(cosigned) == counted(told, told.quorum, cosigned & set(NAMES))


@given(told=policies())
def test_a_policy_is_read_as_it_was_written(told: Policy):
    assert policy.parse(told.text().encode()) == told


def test_the_logs_address_is_read_too():
    assert policy.parse(DEFAULT.text().encode()) == DEFAULT


LINES = f"log {LOG.text()}\nwitness a {key(1).text()} https://a.example\nwitness b {key(2).text()}\n"


def test_comments_blanks_tabs_and_words_for_thresholds_are_read():
    text = f"# 政策\n\n \t{LINES}\tgroup\tone any a \ngroup all_of_it  all one b\n  # the end\nquorum all_of_it\n"
    assert policy.parse(text.encode()) == Policy(
        (KnownLog(LOG),), (Witness("a", key(1), "https://a.example"), Witness("b", key(2))),
        (Group("one", 1, ("a",)), Group("all_of_it", 2, ("one", "b"))), "all_of_it",
    )  # fmt: skip


def test_names_are_opaque_bytes():
    told = policy.parse(
        LINES.replace(" a ", " 监管 ").encode() + b"group \xff any \xe7\x9b\x91\xe7\xae\xa1\nquorum \xff\n"
    )
    assert told.is_met({"监管"}) and not told.is_met({"b"})


def test_a_log_is_known_by_its_key_alone():
    other = VerifierKey(LOG.name, bytes(32))
    assert DEFAULT.knows(LOG) and not DEFAULT.knows(other)
    assert not DEFAULT.knows(VerifierKey("yaosu.example/log2", LOG.public))
    assert policy.parse(f"log {LOG.text()}\nlog {other.text()}\nquorum none\n".encode()).knows(other)


NOT_POLICIES = [
    ("", "lines of text"), (LINES, "no line that says the quorum"), (f"{LINES}quorum c\n", "line 4"),
    (f"{LINES}quorum a", "lines of text"), (f"{LINES}quorum a\r\n", "control"), (f"{LINES}quorum a\x7f\n", "control"),
    (f"{LINES}quorum a\x0bb\n", "control"),
    (f"{LINES}quorum a\nquorum a\n", "line 5"), (f"{LINES}quorum a b\n", "line 4"),
    (f"quorum a\n{LINES}", "line 1"), (f"{LINES}quorum\n", "line 4"),
    (f"{LINES}group g any c\nquorum g\n", "do not stand before"), (f"{LINES}group g any g\nquorum g\n", "stand before"),
    (f"{LINES}group g any none\nquorum g\n", "do not stand before"), (f"{LINES}group g 0 a\nquorum g\n", "threshold"),
    (f"{LINES}group g 3 a b\nquorum g\n", "from 1 to 2"), (f"{LINES}group g 01 a\nquorum g\n", "threshold"),
    (f"{LINES}group g most a\nquorum g\n", "threshold"), (f"{LINES}group g any\nquorum g\n", "not a line"),
    (f"{LINES}group g 2 a a\nquorum g\n", "only once"), (f"{LINES}group g 1 a\ngroup h 1 a\nquorum g\n", "only once"),
    (f"{LINES}group a any b\nquorum a\n", "is taken"), (f"{LINES}group none any b\nquorum b\n", "is taken"),
    (f"{LINES}witness b {key(3).text()}\nquorum a\n", "is taken"),
    (f"{LINES}witness c {key(2).text()}\nquorum a\n", "twice"), (f"{LINES}log {LOG.text()}\nquorum a\n", "twice"),
    (f"{LINES}witness c {VerifierKey('other.example', key(2).public, COSIGNATURE).text()}\nquorum a\n", "twice"),
    (f"{LINES}witness c {VerifierKey('a', b'x' * 32).text()}\nquorum a\n", "kind 04"),
    (f"{LINES}log {key(9).text()}\nquorum a\n", "kind 01"), (f"{LINES}witness c\nquorum a\n", "not a line"),
    (f"{LINES}witness c {key(3).text()} url more\nquorum a\n", "not a line"),
    (f"{LINES}mirror m\nquorum a\n", "not a line"),
    (f"{LINES}log {LOG.text()}x\nquorum a\n", "base64"),
    (f"log {LOG.text()} https://yaosu.example more\nquorum none\n", "not a line"),
]  # fmt: skip


@pytest.mark.parametrize("text, told", NOT_POLICIES)
def test_what_only_resembles_a_policy_is_refused_and_its_line_named(text: str, told: str):
    with pytest.raises(NotAPolicy, match=told):
        policy.parse(text.encode())


def test_a_policy_may_require_nobody():
    told = policy.parse(b"quorum none\n")
    assert told.is_met(set()) and told == Policy((), ())
