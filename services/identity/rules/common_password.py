"""What passwords are made of that everyone guesses first.

Promises: a password that is nothing but these words and walks, in whatever order, case and spacing, is found; one that
has five more letters to it, however they are told apart from the words, is not.
Source: the heads of the public lists of breached passwords, as far as they can be put together to fifteen signs, and
the walks over a keyboard (NIST SP 800-63B-4 3.1.1.2 asks for such a list). A list of millions is for a service of its
own, behind the same question.
"""

from collections.abc import Iterable, Set

REMAINDER_MIN = 5
CONTEXT_LENGTH_MIN = 3
MARKET = ("yaosu", "要素")
WALKS = (
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm", "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0", "qazwsxedcrfvtgbyhnujmikolp",
    "zaq12wsxcde34rfvbgt56yhn", "qwertyuiopasdfghjklzxcvbnm", "abcdefghijklmnopqrstuvwxyz", "01234567890123456789",
    "98765432109876543210", "147258369", "741852963", "789456123", "159357", "753951", "zxcvbnmasdfghjklqwertyuiop",
)  # fmt: skip
WALK_LENGTH_MIN = 4
WORDS = frozenset("""
    access admin administrator adobe alexander andrea andrew angel anthony apple ashley austin azerty baby backup banana
    baseball basketball batman battery billgates biteme buster butterfly changeme charlie charlotte cheese chelsea
    chocolate company computer cookie correct correcthorsebatterystaple cowboy dallas daniel database default diamond
    dolphin donald dragon eagle eminem everything family ferrari flower football forever foobar freedom friends fuckyou
    gateway george ginger google guest hannah harley hello heaven hockey horse hunter iloveyou iloveu internet jasmine
    jennifer jessica jesus jordan joshua justin killer letmein liverpool login london loveme lovely master maggie
    matthew matrix mercedes michael michelle microsoft monkey mustang naruto ncc1701 nicole ninja nintendo
    operator orange p@ssw0rd p@ssword pa$$word passcode passphrase passw0rd password pepper phoenix pokemon princess
    purple qwerty qweasd qweasdzxc rainbow ranger robert root samantha samsung secret security server shadow silver
    simple soccer sophie spiderman staple starwars steelers success summer sunshine superman superuser system taylor
    temp test tester testing thomas tigger tomorrow trustno1 tweety unknown user username victoria welcome whatever
    whoami william windows winter wizard woaini xxxxxx yankees zhongguo 5201314 5211314 woaini1314 zaq1zaq1
    密码 中国 你好 管理员 我爱你 数据 平台 交易所
""".split())  # fmt: skip
PIECES = frozenset(
    walk[start:end]
    for one_way in WALKS
    for walk in (one_way, one_way[::-1])
    for start in range(len(walk))
    for end in range(start + WALK_LENGTH_MIN, len(walk) + 1)
)


def is_commonplace(password: str, context: Iterable[str] = ()) -> bool:
    """Whether fewer than five letters are left of the password without what everyone guesses. Requires both folded.

    Digits, signs between words, and a letter that repeats the one before are guessed too, so they do not count.
    """
    words = PIECES.union(WORDS, MARKET, (word for word in context if len(word) >= CONTEXT_LENGTH_MIN))
    return _letters_left(password, words) < REMAINDER_MIN


def _letters_left(text: str, words: Set[str]) -> int:
    """The fewest letters that any choice of words, side by side in the text, leaves over."""
    lengths = {len(word) for word in words}
    least = [0] * (len(text) + 1)  # from each place to the end
    for start in reversed(range(len(text))):
        is_guessed = not text[start].isalpha() or text[start] == text[start - 1 : start]
        ends = (start + length for length in lengths if start + length <= len(text))
        after_words = (least[end] for end in ends if text[start:end] in words)
        least[start] = min([least[start + 1] + (not is_guessed), *after_words])
    return least[0]
