"""The product's own server, where each step of a dispute lasts seconds: `python -m tests.support.quick_disputes`.

Everything else is `yaosu serve` with the rules `demo`. A test may not wait for working days, nor for whole minutes.
"""

from dataclasses import replace

from services.trading.rules import market_rules
from services.trading.rules.market_rules import DEMO


def serve() -> None:
    """Requires a process of its own: what the rules are is decided before anything that reads them is loaded."""
    quick = replace(DEMO, dispute=replace(DEMO.dispute, evidence=1, appeal=1))
    market_rules.RULES = {**market_rules.RULES, DEMO.name: quick}

    from services.__main__ import app

    app(["serve"])


if __name__ == "__main__":
    serve()
