"""An inquiry under whatever happens, in whatever order, beside a ledger of what a clerk would have written down."""

from collections.abc import Callable
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.trading.rules import inquiry as rules
from services.trading.rules.inquiry import AWARDED, CANCELLED, FAILED, OPEN, OPENING, Inquiry
from services.trading.rules.scoring import FewOffers, Proposal
from shared.errors import Conflict, NotFound
from tests.trading.inquiries import (
    NAMES,
    OFFERS_UNTIL,
    OPENED_UNTIL,
    PROVIDERS,
    a_proposal,
    an_inquiry,
    few,
    open_offer,
    seal,
)
from tests.trading.made import MICROSECOND, NOON

names = st.sampled_from(NAMES)  # the last of them is not invited
proposals = st.builds(a_proposal, st.integers(0, 9), st.integers(0, 9))
THREE_DAYS = timedelta(days=3)
steps = st.sampled_from([MICROSECOND, timedelta(hours=6), timedelta(days=1), THREE_DAYS - MICROSECOND, THREE_DAYS])


class InquiryMachine(RuleBasedStateMachine):
    inquiry: Inquiry

    @initialize(outcome=st.sampled_from(FewOffers))
    def publish(self, outcome: FewOffers) -> None:
        self.inquiry, self.now, self.outcome = an_inquiry(few(outcome)), NOON, outcome
        self.offered = dict[str, Proposal]()
        self.opened = set[str]()

    @rule(step=steps)
    def wait(self, step: timedelta) -> None:
        self.now += step

    @rule(name=names, proposal=proposals)
    def offer(self, name: str, proposal: Proposal) -> None:
        fits = self._takes_offers() and name in "ABC" and name not in self.offered
        if self._does(fits, lambda: seal(self.inquiry, name, proposal, self.now)):
            self.offered[name] = proposal

    @rule(name=names, other=proposals, as_sealed=st.booleans())
    def reveal(self, name: str, other: Proposal, as_sealed: bool) -> None:
        said = self.offered.get(name, other) if as_sealed else other
        fits = self.inquiry.state is OPENING and self.now < OPENED_UNTIL and self.offered.get(name) == said
        if self._does(fits and name not in self.opened, lambda: open_offer(self.inquiry, name, said, self.now)):
            self.opened.add(name)

    @rule()
    def call_off(self) -> None:
        fits = self._takes_offers() and not self.offered
        self._does(fits, lambda: rules.cancel(self.inquiry, self.now))

    @rule()
    def notice(self) -> None:
        if self.inquiry.state is OPEN:
            self._does(self.now >= OFFERS_UNTIL, lambda: rules.end_offers(self.inquiry, self.now))
        elif self.inquiry.state is OPENING:
            self._does(self.now >= OPENED_UNTIL, lambda: rules.close(self.inquiry, self.now, {}))

    @invariant()
    def what_was_offered_is_what_is_kept(self) -> None:
        assert [PROVIDERS[name] for name in self.offered] == [each.provider_id for each in self.inquiry.sealed]
        assert {PROVIDERS[name] for name in self.opened} == {each.provider_id for each in self.inquiry.opened}
        assert (self.inquiry.deadline is None) == (self.inquiry.next_actor is None)
        assert (self.inquiry.deadline is None) == (self.inquiry.state in {AWARDED, FAILED, CANCELLED})
        assert (self.inquiry.judgement is None) or self.now >= OPENED_UNTIL

    @invariant()
    def the_award_is_what_a_clerk_would_say(self) -> None:
        if self.inquiry.judgement is None:
            return
        scores = {name: self._score(name) for name in self.offered if name in self.opened and self._score(name) >= 0}
        if not scores or (len(scores) < 3 and self.outcome is FewOffers.FAILS):
            assert (self.inquiry.state, self.inquiry.won) == (FAILED, None)
            return
        best = max(scores, key=lambda name: (scores[name], -self.offered[name].price.minor))
        second = max([0, *(score for name, score in scores.items() if name != best)])
        assert self.inquiry.won and self.inquiry.state is AWARDED
        assert self.inquiry.won.provider_id == PROVIDERS[best]
        assert self.inquiry.won.price.minor == self.offered[best].answers[0].value - second

    def teardown(self) -> None:
        """However it stands, it ends by itself."""
        self.now = max(self.now, OPENED_UNTIL)
        for _ in range(2):
            self.notice()
        assert self.inquiry.deadline is None
        self.the_award_is_what_a_clerk_would_say()

    def _takes_offers(self) -> bool:
        return self.inquiry.state is OPEN and self.now < OFFERS_UNTIL

    def _score(self, name: str) -> int:
        return self.offered[name].answers[0].value - self.offered[name].price.minor

    def _does(self, fits: bool, act: Callable[[], Inquiry]) -> bool:
        """What fits is done and is one revision; what does not is refused and changes nothing."""
        before = self.inquiry
        try:
            self.inquiry = act()
        except (Conflict, NotFound):
            assert not fits
            return False
        assert fits
        assert self.inquiry.revision == before.revision + 1
        return True


TestInquiryMachine = InquiryMachine.TestCase
TestInquiryMachine.settings = settings(stateful_step_count=25)
