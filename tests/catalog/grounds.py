"""What a grade may rest on, for tests: fields in which something was found, and anything that people may say."""

from hypothesis import strategies as st

from services.catalog.rules.evidence import Detection, Field
from services.catalog.rules.grading import Finding, Grounds, Impact
from services.catalog.rules.rule_tables import Degree, Object
from shared.grades import Flag
from shared.kinds import Kind

CERTAIN = 10_000


def a_field(name: str, *kinds: Kind, hit: int = CERTAIN, proven: int | None = CERTAIN, named: bool = True) -> Field:
    return Field(name, "text", 0, 100, tuple(Detection(kind, named, hit, proven, 1_000) for kind in kinds))


kinds = st.sampled_from(Kind)
shares = st.integers(0, CERTAIN)
hits = st.integers(1, CERTAIN)
decimals = st.none() | st.integers(0, 8)
detections = st.builds(Detection, kinds, st.booleans(), hits, st.none() | shares, st.integers(1, 1_000), decimals)
numbers = st.integers(0, 20_000_000)
fields = st.lists(
    st.builds(Field, st.sampled_from("abcdef"), st.just("text"), shares, st.integers(0, 9),
              st.lists(detections, max_size=3).map(tuple)), max_size=5,
)  # fmt: skip
impacts = st.lists(
    st.builds(Impact, st.sampled_from(Object), st.sampled_from(Degree), st.sampled_from("xyz")), max_size=4
)
flags = st.frozensets(st.sampled_from(Flag))
findings = st.builds(Finding, st.sampled_from("abcdef"), kinds)
grounds = st.builds(Grounds, impacts.map(tuple), flags, impacts.map(tuple), st.frozensets(findings, max_size=3))
