"""Amounts of yuan in the capital numerals of contracts and cheques: 大写金额.

Promises: exact to the fen for every amount of money, for no float is ever made of it.
Source: 支付结算办法 (1997), appendix 1: capital numerals, and 整 where no fen and no jiao follow.
"""

from shared.money import Money

LARGEST_MINOR = 10**18 - 1  # sixteen digits of yuan


def prepare() -> None:
    """Load what writes numerals now, so that the first amount does not wait for it."""
    in_capitals(Money(0))


def in_capitals(amount: Money) -> str:
    """Requires yuan, of zero or more and less than 10^18 fen."""
    if amount.currency != "CNY" or not 0 <= amount.minor <= LARGEST_MINOR:
        raise ValueError("only an amount of yuan that is not below zero is written in capitals")
    import cn2an  # with the first amount: few processes ever write one

    yuan, fen = divmod(amount.minor, 100)
    return cn2an.an2cn(f"{yuan}.{fen:02}", "rmb")
