"""Labels: the grade of the data that a thing in the log is about, as far as the log itself tells.

Owns: how a grade passes from an entry to the things that it names.
Promises: whatever an entry says of a version's grade holds for what is done with that version, through listing, order
and contract to delivery, though those entries name no grade; a label never sinks, so that an entry is not read more
freely because of what came after it; people and organisations carry no label.
Source: mandatory labels, GB/T 22239-2019 8.1.4.2 g; the high-water mark of Landwehr (1981).
"""

from collections.abc import Mapping

from shared.facts import Event
from shared.grades import Grade

PARTIES = frozenset({"participant", "user", "client", "key", "token", "family", "case"})
ITS_OWN = frozenset({"version"})  # graded by what is said of it, never by what it is named with


def stated(event: Event) -> Grade | None:
    """The highest grade that the event itself states, in its objects or in its body."""
    told = [each.cls for each in event.obj] + [event.data.get("grade")]
    return max((Grade(each) for each in told if each in set(Grade)), default=None)


def grade_of(event: Event, labels: Mapping[str, Grade]) -> Grade | None:
    """The grade of the data that an entry is about: what it states, or what the things that it names carry."""
    carried = [labels[name] for name in (event.id, *carriers(event)) if name in labels]
    own = stated(event)
    return max([*carried, own] if own else carried, default=None)


def raised(event: Event, labels: Mapping[str, Grade]) -> dict[str, Grade]:
    """What carries a higher label after this entry than before."""
    grade = grade_of(event, labels)
    if grade is None:
        return {}
    after = {name: grade for name, kind in carriers(event).items() if kind not in ITS_OWN}
    after |= {each.id: Grade(each.cls) for each in event.obj if each.t in ITS_OWN and each.cls in set(Grade)}
    after[event.id] = grade
    return {name: label for name, label in after.items() if name not in labels or label > labels[name]}


def carriers(event: Event) -> dict[str, str]:
    """The things named in an entry that carry a label, with their kinds."""
    named = {each.id: each.t for each in event.obj if each.t not in PARTIES}
    return named | ({event.ctr: "contract"} if event.ctr else {})


def names(event: Event) -> frozenset[str]:
    """Whom and what an entry is about."""
    told = (event.actor.org, event.onb, event.ctr, *(each.id for each in event.obj))
    return frozenset(name for name in told if name is not None)
