"""An order under objection, whatever is said in whatever order, beside what a clerk would have written down."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.trading.rules import acceptance
from services.trading.rules import objection as rules
from services.trading.rules import order as order_rules
from services.trading.rules.objection import Objection
from services.trading.rules.order import REFUNDED, SETTLED, SETTLING, Order
from shared.errors import Conflict
from shared.money import Money
from tests.trading.made import MICROSECOND, NOON
from tests.trading.objecting import ANSWERING, INSPECTION, TERMS, a_delivered, said

amounts = st.integers(-1, 12)
steps = st.sampled_from([MICROSECOND, timedelta(hours=1), ANSWERING - MICROSECOND, ANSWERING, INSPECTION])
Step = Callable[[], tuple[Order, Objection]]
INSPECTING, PROVIDER, BUYER, OVER = "inspecting", "provider", "buyer", "over"


class ObjectionMachine(RuleBasedStateMachine):
    """The clerk knows whose turn it is, until when, how much is claimed and offered, and how often it was cured."""

    order: Order
    objection: Objection | None

    @initialize(price=st.sampled_from([0, 1, 2, 10]), cures=st.integers(0, 2), accepting=st.sampled_from([None, 2, 3]))
    def receive(self, price: int, cures: int, accepting: int | None) -> None:
        terms = replace(TERMS, cures_max=cures, accepting_use=accepting)
        self.order, self.objection = a_delivered(price, terms), None
        self.price, self.cures_left, self.accepting = price, cures, accepting
        self.turn, self.until, self.now = INSPECTING, NOON + INSPECTION, NOON
        self.claim = self.offered = self.back = 0
        self.uses, self.written = 1, 0

    @rule(step=steps)
    def wait(self, step: timedelta) -> None:
        self.now += step

    @rule()
    def accept(self) -> None:
        if self._order(self._in(INSPECTING), lambda: order_rules.accept(self.order, self.now)):
            self._over(0)

    @rule()
    def use(self) -> None:
        self.uses += 1
        accepts = self._in(INSPECTING) and self.accepting is not None and self.uses >= self.accepting
        after = acceptance.accept_by_use(self.order, self.uses, self.now)
        assert (after is not self.order) == accepts
        self.order = after
        if accepts:
            self._over(0)

    @rule(claim=amounts)
    def object_to(self, claim: int) -> None:
        self.written += 1
        fits = self._in(INSPECTING) and (1 <= claim <= self.price or claim == self.price == 0)
        words = said(claim, reason=str(self.written))
        if self._both(fits, lambda: rules.object_to(self.order, self.objection, words, self.now)):
            self.claim = claim
            self._turn(PROVIDER, ANSWERING)

    @rule()
    def cure(self) -> None:
        if self._says(self._in(PROVIDER) and self.cures_left > 0, lambda of: rules.cure(*of, "重传", self.now)):
            self.cures_left -= 1
            self.uses = 0
            self._turn(INSPECTING, INSPECTION)

    @rule()
    def concede(self) -> None:
        if self._says(self._in(PROVIDER), lambda of: rules.concede(*of, "是", self.now)):
            self._over(self.claim)

    @rule(part=amounts)
    def offer(self, part: int) -> None:
        fits = self._in(PROVIDER) and 0 < part < self.claim
        if self._says(fits, lambda of: rules.offer(*of, Money(part), "少赔", self.now)):
            self.offered = part
            self._turn(BUYER, ANSWERING)

    @rule()
    def reject(self) -> None:
        if self._says(self._in(PROVIDER), lambda of: rules.reject(*of, "无误", self.now)):
            self.offered = 0
            self._turn(BUYER, ANSWERING)

    @rule()
    def take(self) -> None:
        if self._says(self._in(BUYER) and self.offered > 0, lambda of: rules.take(*of, self.now)):
            self._over(self.offered)

    @rule()
    def decline(self) -> None:
        if self._says(self._in(BUYER) and self.offered > 0, lambda of: rules.decline(*of, self.now)):
            self.offered = 0

    @rule()
    def withdraw(self) -> None:
        if self._says(self._in(PROVIDER) or self._in(BUYER), lambda of: rules.withdraw(*of, self.now)):
            self._over(0)

    @rule()
    def notice(self) -> None:
        if self.turn == OVER:
            return
        before = self.turn
        if self._order(self.now >= self.until, lambda: order_rules.pass_deadline(self.order, NOBODY, self.now)):
            if before != INSPECTING:
                assert self.objection
                self.objection = rules.end(self.objection, self.order, self.now)
            self._over({INSPECTING: 0, PROVIDER: self.claim, BUYER: self.offered}[before])

    @invariant()
    def the_clerk_and_the_order_say_the_same(self) -> None:
        next_actor = {INSPECTING: "buyer", PROVIDER: "provider", BUYER: "buyer"}.get(self.turn)
        if self.turn == OVER:
            whole = self.back == self.price
            end = SETTLED if self.price == 0 else REFUNDED if whole else SETTLING
            assert (self.order.state, self.order.refund_minor) == (end, self.back)
            shares = self.order.settlement
            assert (shares.total.minor if shares else 0) + self.order.refund_minor == self.price
            assert self.order.reason_code
        else:
            assert (self.order.next_actor, self.order.deadline) == (next_actor, self.until)
        if self.objection:
            assert (self.objection.ended_at is None) == (self.turn in {PROVIDER, BUYER})
            assert self.objection.next_actor == (next_actor if self.turn in {PROVIDER, BUYER} else None)
            assert self.objection.number <= 3

    def teardown(self) -> None:
        """However it stands, silence ends it."""
        for _ in range(2):
            self.now = max(self.now, self.until)
            self.notice()
        assert self.turn == OVER
        self.the_clerk_and_the_order_say_the_same()

    def _in(self, turn: str) -> bool:
        return self.turn == turn and self.now < self.until

    def _turn(self, turn: str, time: timedelta) -> None:
        self.turn, self.until = turn, self.now + time

    def _over(self, back: int) -> None:
        self.turn, self.back = OVER, back

    def _order(self, fits: bool, act: Callable[[], Order]) -> bool:
        """What fits is one revision; what does not is refused, or was said before, and changes nothing."""
        before = self.order
        try:
            self.order = act()
        except Conflict:
            assert not fits
            return False
        assert self.order.revision == before.revision + (1 if fits else 0)
        return fits

    def _both(self, fits: bool, act: Step) -> bool:
        said_last = self.objection

        def changed() -> Order:
            order, self.objection = act()
            return order

        done = self._order(fits, changed)
        assert done or self.objection == said_last
        return done

    def _says(self, fits: bool, act: Callable[[tuple[Order, Objection]], tuple[Order, Objection]]) -> bool:
        objection = self.objection
        return objection is not None and self._both(fits, lambda: act((self.order, objection)))


NOBODY = frozenset[str]()
TestObjectionMachine = ObjectionMachine.TestCase
TestObjectionMachine.settings = settings(stateful_step_count=30)
