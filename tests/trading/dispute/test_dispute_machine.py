"""A dispute under whatever happens, in whatever order: what must hold in between, and that silence ends it."""

from collections.abc import Callable
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.trading.rules import dispute as rules
from services.trading.rules import disputed, hearing
from services.trading.rules import order as order_rules
from services.trading.rules.arbitration_fee import FeeHold, appeal_fee, charged, fee
from services.trading.rules.demand import Remedy, Side, Split
from services.trading.rules.dispute import (
    APPEAL,
    DISPUTE,
    EVIDENCE,
    OPEN,
    RULED,
    UNHEARD,
    WITHDRAWN,
    Dispute,
    Extension,
    NoticeBy,
    State,
)
from services.trading.rules.dispute_outcome import Offer
from services.trading.rules.evidence import Evidence, EvidenceKind, hash_of
from services.trading.rules.ruling import Gone, Panel, Why
from shared.errors import Conflict, Malformed
from shared.ids import TransferId
from shared.money import Money
from tests.trading.dispute.cases import ARBITERS, SEED, a_dispute, a_disputed_order, a_panel, a_vote, by, with_rules
from tests.trading.made import MICROSECOND, NOON

sides, chosen = st.sampled_from(Side), st.sampled_from(ARBITERS)
shares = st.sampled_from([0, 1, 2_500, 3_333, 5_000, 9_999, 10_000])
steps = st.sampled_from([MICROSECOND, timedelta(days=1), timedelta(days=3), timedelta(days=10)])
PRICE = 10_001


class DisputeMachine(RuleBasedStateMachine):
    dispute: Dispute

    @initialize(
        disputed=st.sampled_from([1, 3_333, 10_000, PRICE]), by_provider=st.booleans(), lone=st.booleans(),
        found=st.integers(0, len(ARBITERS)),
    )  # fmt: skip
    def open(self, disputed: int, by_provider: bool, lone: bool, found: int) -> None:
        self.now, self.register = NOON, ARBITERS[:found]
        given = with_rules(lone_funder_wins=lone)
        self.order = a_disputed_order(PRICE)
        self.dispute = a_dispute(disputed, price=PRICE, by_provider=by_provider, given=given, order=self.order)
        self.holds = dict[tuple[int, Side], FeeHold]()
        self.seen: list[State] = [OPEN]
        self._hold(Side.CLAIMANT, fee(given, Money(disputed)))

    @rule(step=steps)
    def wait(self, step: timedelta) -> None:
        self.now += step

    @rule(by_log=st.booleans())
    def notice(self, by_log: bool) -> None:
        proof = NoticeBy.LOGGED if by_log else NoticeBy.READ
        self._do(lambda: rules.prove_notice(self.dispute, proof, by(5, self.now), self.now))

    @rule(admitted=st.sampled_from([0, 1, PRICE]))
    def answer(self, admitted: int) -> None:
        if self._do(lambda: self._seated(rules.answer(self.dispute, Money(admitted), "bb", by(5, self.now), self.now))):
            self._hold(Side.RESPONDENT, fee(self.dispute.rules, self.dispute.demand.amount))

    @rule(side=sides)
    def say(self, side: Side) -> None:
        said = len(self.dispute.evidence)
        piece = Evidence(said + 1, side, EvidenceKind.DOCUMENT, hash_of("x"), True, self.now)
        if self._do(lambda: rules.add_evidence(self.dispute, piece, now=self.now)):
            assert self.dispute.state in UNHEARD and len(self.dispute.evidence) == said + 1

    @rule(side=sides, share=shares)
    def offer(self, side: Side, share: int) -> None:
        offer = Offer(side, Split(share, 10_000 - share), (), self.now)
        self._do(lambda: rules.offer_settlement(self.dispute, offer, self.now))

    @rule()
    def withdraw(self) -> None:
        self._do(lambda: rules.withdraw(self.dispute, self.now))

    @rule(who=chosen, share=shares, remedies=st.sampled_from([(), (Remedy.END_RIGHT,), (Remedy.REDELIVER,)]))
    def vote(self, who: str, share: int, remedies: tuple[Remedy, ...]) -> None:
        seated = self.dispute.panel.seated if self.dispute.panel else ()
        voter = seated[0] if seated and who not in seated else who
        vote = a_vote(ARBITERS[ARBITERS.index(voter)], share, fees=share, remedies=remedies)
        self._do(lambda: hearing.rule(self.dispute, vote, SEED, by(6, self.now), self.now))

    @rule(who=chosen, why=st.sampled_from([Why.RECUSED, Why.CHALLENGED]), side=sides)
    def step_down(self, who: str, why: Why, side: Side) -> None:
        gone = Gone(ARBITERS[ARBITERS.index(who)], why, side, "dd", self.now)
        self._do(lambda: hearing.step_down(self.dispute, gone, SEED, by(6, self.now), self.now))

    @rule(who=chosen)
    def extend(self, who: str) -> None:
        more = Extension(ARBITERS[ARBITERS.index(who)], self.dispute.state, 1, "ab", self.now)
        later = by(1, self.dispute.deadline or self.now)
        if self._do(lambda: hearing.extend(self.dispute, more, later, self.now)):
            assert self.dispute.deadline == later.at

    @rule(side=sides)
    def appeal(self, side: Side) -> None:
        if self.dispute.state is RULED:
            act = lambda: hearing.file_appeal(self.dispute, side, "ee", by(3, self.now), self.now)  # noqa: E731
        else:
            act = lambda: self._seated(  # noqa: E731
                hearing.fund_appeal(self.dispute, side, "ff", by(10, self.now), self.now)
            )
        if self._do(act):
            amount = appeal_fee(self.dispute.rules, self.dispute.demand.amount, self.dispute.rulings[0], side)
            self._hold(side, amount)

    @rule()
    def let_time_pass(self) -> None:
        self._tick()

    @invariant()
    def one_step_follows_another(self) -> None:
        for before, after in zip(self.seen, self.seen[1:], strict=False):
            assert after in DISPUTE.moves[before] or after is before
        assert (self.dispute.deadline is None) == (self.dispute.next_actor is None) == (not self.dispute.is_open)
        assert len(self.dispute.rulings) <= 2 and len({each.number for each in self.dispute.rulings}) == len(
            self.dispute.rulings
        )
        default = self.dispute.state is State.DEFAULTED
        assert not default or (self.dispute.notice is not None and self.dispute.answer is None)

    @invariant()
    def the_price_is_divided_to_the_last_fen(self) -> None:
        outcome = self.dispute.outcome
        assert (outcome is None) == (self.dispute.is_open or self.dispute.state is WITHDRAWN)
        if outcome is None:
            return
        assert outcome.claimant + outcome.respondent == self.dispute.demand.amount
        assert outcome.basis == "settlement" or outcome.claimant >= self.dispute.admitted
        assert set(outcome.remedies) <= set(self.dispute.demand.remedies)
        buyers = self.dispute.claimant_id == self.dispute.buyer_id
        refund = outcome.claimant if buyers else outcome.respondent + self.dispute.undisputed
        order = disputed.dispute(self.order, NOON)
        early = (self.dispute.undisputed, Money(0)) if buyers else (Money(0), self.dispute.undisputed)
        released = disputed.release(order, *early)
        ended = order_rules.conclude(released, order_rules.Reason.DISPUTE_ENDED, self.now, refund)
        kept = ended.settlement.total if ended.settlement else Money(0)
        assert kept + ended.refund == ended.price and ended.outstanding.provider.minor >= 0

    @invariant()
    def no_fee_is_more_than_was_held(self) -> None:
        fees = self.dispute.outcome.fees if self.dispute.outcome else None
        for hold in self.holds.values():
            assert 0 <= charged(hold, fees).minor <= hold.amount.minor

    def teardown(self) -> None:
        """All input stops; only time goes on."""
        if not hasattr(self, "dispute"):
            return
        for _ in range(30):
            if self.dispute.deadline is None:
                break
            self.now = max(self.now, self.dispute.deadline)
            self._tick()
        assert not self.dispute.is_open
        self.one_step_follows_another()
        self.the_price_is_divided_to_the_last_fen()

    def _tick(self) -> None:
        after = hearing.Next(by(5, self.now), by(10, self.now), by(6, self.now), SEED, self._panel(self.dispute))
        self._do(lambda: hearing.pass_deadline(self.dispute, after, self.now))

    def _panel(self, dispute: Dispute) -> Panel | None:
        sat = {each for panel in dispute.panels for each in (*panel.seated, *(gone.arbiter_id for gone in panel.gone))}
        among = tuple(each for each in self.register if each not in sat)
        return a_panel(dispute.number, among) if among and dispute.panel is None else None

    def _seated(self, dispute: Dispute) -> Dispute:
        panel = self._panel(dispute)
        return hearing.seat(dispute, panel) if panel else dispute

    def _hold(self, side: Side, amount: Money) -> None:
        place = (self.dispute.number, side)
        assert place not in self.holds, "a side pays once in a round"
        owner = self.dispute.participant_of(side)
        self.holds[place] = FeeHold(TransferId.new(), self.dispute.id, place[0], side, owner, amount)

    def _do(self, act: Callable[[], Dispute]) -> bool:
        """Whether it was done; what is refused has changed nothing, and time alone moves what is overdue."""
        before = self.dispute
        try:
            self.dispute = act()
        except (Conflict, Malformed):
            return False
        assert self.dispute.revision > before.revision and before.is_open
        if self.dispute.state is not before.state:
            self.seen.append(self.dispute.state)
        assert before.state is not EVIDENCE or self.dispute.state is not APPEAL
        return True


TestDispute = DisputeMachine.TestCase
TestDispute.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
