"""The authorisation matrix as the rules have it, copied by hand: no cell of it is taken from the code.

`A` any, `own`, `pty` party to the deal, `case`, `m` masked, `2` a second person, `S` a fresh strong proof, `obo` for a
user, `-` nobody. The operators are split: business, system, security, audit. What a cell of the rules says in words
stands here as the nearest of these: what a party may ask, propose or answer is `pty`.
"""

# row  what                                    anon  buyer  provider business system security audit regulator arbiter service
RULES = """
1      rules, keys, statistics                 A     A      A        A        A      A        A     A         A       A
3      catalogue entry, search                 A,m   A      A        A        A      A        A     A         -       obo
4      catalogue entry, draft                  -     -      own      -        -      -        -     -         -       -
5      listing, submit                         -     -      own,S    -        -      -        -     -         -       -
6      listing, approve reject suspend         -     -      -        A,2      -      -        -     A,2       -       -
7      grade, propose raise                    -     -      own      A        -      -        -     A         -       A
8      grade, lower                            -     -      own      A,2      -      -        -     -         -       -
9      version, upload finalise                -     -      own      -        -      -        -     -         -       A
11     legal records                           -     m      own      A        -      -        -     A         case    -
12     quality profile                         -     A      own      A        A      A        A     A         case    A
13     price plan, change                      -     -      own      -        -      -        -     -         -       -
14     quote                                   -     own    pty      -        -      -        -     m         case    obo
15     valuation                               -     pty    own      -        -      -        -     A         case    A
16     lot, create start                       -     -      own,S    A        -      -        -     -         -       -
17     lot, cancel                             -     -      own      A,2      -      -        -     A,2       -       -
18     bid, place                              -     own,S  -        -        -      -        -     -         -       obo
19     bid, read                               A,m   own    m        m        m      m        m     m         -       -
22     order contract, read                    -     pty    pty      m        m      m        m     A,m       case    obo
23     contract, sign accept                   -     pty,S  pty,S    -        -      -        -     -         -       -
24     contract, terminate                     -     pty    pty      -        -      -        -     A,2       case    -
25     escrow, read                            -     own    own      m        m      m        m     A,m       case    A
26     escrow, deposit withdraw                -     own,S  own,S    -        -      -        -     A,2       -       A
29     right, read                             -     pty    pty      m        m      m        m     A         case    obo
30     right, revoke                           -     -      pty      -        -      -        -     A,2       case    A
31     delivery                                -     pty    own      -        -      -        -     -         -       obo
32     compute                                 -     pty    own      -        -      -        -     -         -       A
33     dispute, open answer                    -     pty    pty      -        -      -        -     -         -       -
34     dispute, evidence decide                -     pty    pty      -        -      -        -     A,m       case,S  -
35     complaint                               A     A      A        A        A      A        A     A         -       -
36     participant                             A     own    own      A        -      -        -     A         -       -
37     participant, verify clear               -     -      -        -        -      A,2      -     A         -       -
38     participant, suspend                    -     -      -        -        -      A        -     A         -       -
39     users keys clients                      -     own,S  own,S    -        -      A        -     -         -       -
41     log, about self and deals               -     own    own      -        -      -        A     A         case    A
42     log, checkpoints proofs                 A     A      A        A        A      A        A     A         A       A
44     personal data                           A     own    own      A        A      A        A     -         -       -
45     consent record                          -     -      own      A        A      A        A     A         case    -
46     policy, fees, rules                     -     -      -        A,2      -      A,2      -     A         -       -
47     export approval                         -     pty    own      -        -      A        -     A         -       -
49     statistics                              A     own    own      A        A      A        A     A         -       obo
50     break-glass                             -     -      own      A,2      A,2    A,2      A,2   A         -       -
"""
