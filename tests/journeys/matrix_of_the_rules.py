"""The authorisation matrix as the rules have it, copied by hand: no cell of it is taken from the code.

`A` any, `own`, `pty` party to the deal, `case`, `m` masked, `2` a second person, `S` a fresh strong proof, `obo` for a
user, `-` nobody. The operators are split: business, system, security, audit. What a cell of the rules says in words
stands here as the nearest of these: what a party may ask, propose or answer is `pty`. Rows without a route of ours are
left out: 2, 10, 20, 21, 27, 40, 43.
"""

from collections.abc import Mapping

# Operators: business, system, security, audit.
TABLE = """
    what                              anon  buyer  provider  business  system  security  audit  regul. arbiter  service
1   rules, keys, statistics           A     A      A         A         A       A         A      A          A        A
3   catalogue entry, search           A,m   A      A         A         A       A         A      A          -        obo
4   catalogue entry, draft            -     -      own       -         -       -         -      -          -        -
5   listing, submit                   -     -      own,S     -         -       -         -      -          -        -
6   listing, approve reject suspend   -     -      -         A,2       -       -         -      A,2        -        -
7   grade, propose raise              -     -      own       A         -       -         -      A          -        A
8   grade, lower                      -     -      own       A,2       -       -         -      -          -        -
9   version, upload finalise          -     -      own       -         -       -         -      -          -        A
11  legal records                     -     m      own       A         -       -         -      A          case     -
12  quality profile                   -     A      own       A         A       A         A      A          case     A
13  price plan, change                -     -      own       -         -       -         -      -          -        -
14  quote                             -     own    pty       -         -       -         -      m          case     obo
15  valuation                         -     pty    own       -         -       -         -      A          case     A
16  lot, create start                 -     -      own,S     A         -       -         -      -          -        -
17  lot, cancel                       -     -      own       A,2       -       -         -      A,2        -        -
18  bid, place                        -     own,S  -         -         -       -         -      -          -        obo
19  bid, read                         A,m   own    m         m         m       m         m      m          -        -
22  order contract, read              -     pty    pty       m         m       m         m      A,m        case     obo
23  contract, sign accept             -     pty,S  pty,S     -         -       -         -      -          -        -
24  contract, terminate               -     pty    pty       -         -       -         -      A,2        case     -
25  escrow, read                      -     own    own       m         m       m         m      A,m        case     A
26  escrow, deposit withdraw          -     own,S,2 own,S,2  -         -       -         -      A,2        -        A
28  ledger, correction                -     -      -         A,2       -       -         -      -          -        -
29  right, read                       -     pty    pty       m         m       m         m      A          case     obo
30  right, revoke                     -     -      pty       -         -       -         -      A,2        case     A
31  delivery                          -     pty    own       -         -       -         -      -          -        obo
32  compute                           -     pty    own       -         -       -         -      -          -        A
33  dispute, open answer              -     pty    pty       -         -       -         -      -          -        -
34  dispute, evidence decide          -     pty    pty       -         -       -         -      A,m        case,S   -
35  complaint                         A     A      A         A         A       A         A      A          -        -
36  participant                       -     own    own       A         -       -         -      A          -        -
37  participant, verify clear         -     -      -         -         -       A,2       -      A          -        -
38  participant, suspend              -     -      -         -         -       A         -      A          -        -
39  users keys clients                -     own,S  own,S     -         -       A         -      -          -        -
41  log, about self and deals         -     own    own       -         -       -         A      A          case     A
42  log, checkpoints proofs           A     A      A         A         A       A         A      A          A        A
44  personal data                     -     own    own       A         A       A         A      -          -        -
45  consent record                    -     -      own       A         A       A         A      A          case     -
46  policy, fees, rules               -     -      -         A,2       -       A,2       -      A          -        -
47  export approval                   -     pty    own       -         -       A         -      A          -        -
48  incident                          -     own    own       -         -       A         -      A          -        A
49  statistics                        A     own    own       A         A       A         A      A          -        obo
50  break-glass                       -     -      own       A,2       A,2     A,2       A,2    A          -        -
"""

# Whose column each caller of the walk stands in: strangers are held to it as well, and told nothing of others beside.
COLUMNS = {
    "anonymous": "anonymous", "buyer": "buyer", "provider": "provider", "other_buyer": "buyer",
    "other_provider": "provider", "suspended": "buyer", "business": "business", "system": "system",
    "security": "security", "audit": "audit", "regulator": "regulator", "arbiter": "arbiter", "service": "service",
    "for_buyer": "service", "for_other": "service",
}  # fmt: skip

# What the rules have no cell for, and why it is told nevertheless.
BEYOND = {
    # Whoever wants to come in is not yet anybody.
    "POST /identity/v1/applications": "anonymous system security audit arbiter service for_buyer for_other",
    # Whose affiliate somebody is is part of the directory; operators read the log about all of it.
    "GET /identity/v1/participants/{participant_id}": "system security audit",
    "GET /identity/v1/participants/{participant_id}/affiliations": "system security audit",
    "GET /identity/v1/participants": "system security audit",
    # Anyone learns what is known of themselves, and keeps their own log-in.
    "GET /identity/v1/me": "business system audit regulator arbiter",
    "GET /identity/v1/me/second-factor": "business system audit regulator arbiter",
    "POST /identity/v1/me/second-factor/confirm": "business system audit regulator arbiter",
    "GET /identity/v1/me/sessions": "business system audit regulator arbiter",
    # What an organisation shows for itself, and who acts for whom, is part of the directory.
    "GET /identity/v1/participants/{participant_id}/documents": "system security audit",
    "GET /identity/v1/delegations": "system security audit arbiter",
    "GET /identity/v1/delegations/{delegation_id}": "system security audit",
    # Who vouches for whom is part of it as well; who may vouch is public to anyone with a log-in.
    "GET /identity/v1/sponsors": "system security audit arbiter",
    "GET /identity/v1/sponsorships": "system security audit arbiter",
    "GET /identity/v1/sponsorships/{sponsorship_id}": "system security audit",
    # Who is named for entries of G4 and above: those who are, and those who watch over all.
    "GET /identity/v1/assignments": "business system audit regulator",
    "GET /identity/v1/assignments/{assignment_id}": "business audit regulator",
    # A snapshot of the catalogue of important data is taken by security, who files it.
    "POST /catalog/v1/important-data/snapshots": "security",
    "GET /catalog/v1/important-data/snapshots": "security",
    "GET /catalog/v1/important-data/snapshots/{catalogue_snapshot_id}": "security",
    # How persons' requests are answered is supervised.
    "GET /catalog/v1/personal-requests": "regulator",
    # Important data are kept by business and security, as the grade overlay has it; what lowers a grade is supervised.
    "GET /catalog/v1/important-data": "security",
    "GET /catalog/v1/petitions": "regulator",
    "GET /catalog/v1/petitions/{petition_id}": "regulator",
    # What was taken out of the log is supervised.
    "GET /audit/v1/redactions": "regulator",
    "GET /audit/v1/redactions/{redaction_id}": "regulator",
    "GET /audit/v1/redaction-counts": "regulator",
    # Among whom is drawn is no secret of anybody's.
    "GET /trading/v1/arbiters": "buyer provider other_buyer other_provider suspended business system audit arbiter",
    # The custodian proves itself by its signature over the body, whoever else it may be.
    "POST /trading/v1/custodian/callbacks": "anonymous business system security audit arbiter",
    # Whose things are frozen is told so.
    "GET /trading/v1/freezes": "buyer provider other_buyer other_provider suspended",
    "GET /trading/v1/freezes/{freeze_id}": "provider",
    # What may be computed is released by the business before anyone asks (decision 10), and supervised.
    "GET /delivery/v1/versions/{version_id}/cubes": "business regulator",
    "GET /delivery/v1/cubes/{cube_id}": "business regulator",
    "POST /delivery/v1/cubes/{cube_id}/approve": "business",
    "POST /delivery/v1/cubes/{cube_id}/refuse": "business",
    # So is each result over important data.
    "GET /delivery/v1/versions/{version_id}/result-reviews": "business regulator",
}


def _rows() -> Mapping[int, Mapping[str, str]]:
    found = dict[int, Mapping[str, str]]()
    columns = list(dict.fromkeys(COLUMNS.values()))
    for line in TABLE.strip().splitlines()[1:]:
        number, *told = line.split()
        assert int(number) not in found
        found[int(number)] = dict(zip(columns, told[-len(columns) :], strict=True))
    return found


RULES = _rows()
