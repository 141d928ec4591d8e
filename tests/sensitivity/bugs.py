"""The bugs that are planted, one at a time, and the suite that must notice each.

The numbers are those of the list of planted bugs that the project set out with; a letter behind one marks a subtler
form of the same bug in another place. Each is a patch in `patches/`, as somebody tired would have written it.
"""

from dataclasses import dataclass
from pathlib import Path

PATCHES = Path(__file__).parent / "patches"
NUMBERS = range(1, 29)


@dataclass(frozen=True, slots=True)
class Bug:
    """`suite` is what must turn red, as narrow as is honest: names of tests, or files; `why` it must."""

    id: str
    name: str
    wrong: str
    suite: tuple[str, ...]
    why: str

    @property
    def patch(self) -> Path:
        return PATCHES / f"{self.id}-{self.name}.patch"


BUGS = (
    Bug(
        "P-01", "reply-before-commit",
        "A bidder has the answer while the commit that holds the bid is still to come.",
        ("tests/trading/test_acknowledged.py::test_a_bid_that_cannot_be_committed_is_not_acknowledged_and_not_there",),
        "a commit that fails leaves a bid that was acknowledged and is not there",
    ),
    Bug(
        "P-02", "fact-in-a-second-transaction",
        "The facts of bids are recorded in a transaction of their own, after that of the bids.",
        ("tests/trading/test_acknowledged.py::test_a_bid_whose_fact_cannot_be_recorded_is_no_bid",),
        "where the fact cannot be recorded, the bid stands without it",
    ),
    Bug(
        "P-03", "commits-that-are-not-synced",
        "SQLite runs with synchronous=NORMAL: a loss of power takes acknowledged commits back.",
        ("tests/kernel/test_database.py::test_a_file_keeps_what_it_commits",),
        "what is asked of the database at each start refuses it",
    ),
    Bug(
        "P-03b", "commits-of-a-session-that-are-not-synced",
        "Sessions of PostgreSQL set synchronous_commit=off.",
        ("tests/kernel/test_database.py::test_a_session_asks_the_server_to_keep_what_it_commits",),
        "a session is asked what it asks of the server, as at each start in production",
    ),
    Bug(
        "P-03c", "bids-that-do-not-wait-for-the-disk",
        "The transactions of bids, and only those, set synchronous_commit=off.",
        ("tests/trading/test_acknowledged.py::test_every_commit_waits_for_the_disk",),
        "each commit is asked what it waits for, which no start can know",
    ),
    Bug(
        "P-04", "a-consumer-without-deduplication",
        "A follower applies a fact whether or not it has applied it before.",
        ("tests/kernel/test_changes.py::test_of_two_followers_in_two_processes_one_applies_each_fact",),
        "of two followers on one table each applies each fact",
    ),
    Bug(
        "P-05", "marked-as-sent-on-error",
        "The relay marks facts as sent when the log did not answer.",
        ("tests/kernel/test_relay.py::test_a_batch_that_did_not_arrive_is_sent_again",),
        "a batch that did not arrive is never sent again",
    ),
    Bug(
        "P-06", "a-feed-polled-by-the-last-id",
        "The feed gives what has a larger id than the newest fact that was seen, whichever stripe it is of.",
        ("tests/kernel/test_changes.py::test_what_commits_late_is_not_passed_over_though_later_news_was_read_before",),
        "of two connections that commit in the other order than they began, one's facts are passed over",
    ),
    Bug(
        "P-07", "a-balance-read-and-written-back",
        "A balance is read, changed in Python and written back.",
        ("tests/trading/money/test_races.py::test_of_fifty_payouts_at_once_only_those_go_out_that_are_covered",),
        "of many at once on PostgreSQL, some overwrite what others wrote",
    ),
    Bug(
        "P-08", "a-bid-taken-at-the-very-close",
        "A bid at the very end counts, for the end is compared by > where it should be >=.",
        ("tests/trading/test_auction.py::test_a_bid_counts_until_the_close_and_not_at_it",),
        "the table of moments has the microsecond before the end, the end, and the one after it",
    ),
    Bug(
        "P-08b", "a-close-one-tick-late",
        "An auction is not closed at its end but after it.",
        ("tests/trading/test_auction.py::test_an_auction_closes_at_its_end_and_not_before",),
        "the table of moments has the microsecond before the end, the end, and the one after it",
    ),
    Bug(
        "P-09", "a-fee-by-floating-point",
        "A portion of an amount is computed in floating point.",
        ("tests/trading/money/test_settlement.py",),
        "the oracle computes in decimals, over all prices up to 10^15",
    ),
    Bug(
        "P-09b", "a-fee-rounded-as-banks-do",
        "The fee is exact, but its half is rounded to the even unit.",
        ("tests/trading/money/test_settlement.py",),
        "the oracle leaves an exact half with the provider",
    ),
    Bug(
        "P-10", "a-loop-of-refunds-that-stops-at-the-first-failure",
        "What the custodian is to be told is sent one after the other, and the first failure ends the round.",
        ("tests/trading/money/test_pay_in.py::test_one_instruction_that_fails_keeps_no_other_waiting",),
        "the others' refunds wait for one that never succeeds",
    ),
    Bug(
        "P-11", "a-new-key-for-each-retry",
        "Each try of a write carries an idempotency key of its own.",
        ("tests/kernel/test_rest.py::test_a_write_is_sent_again_only_where_that_is_safe",),
        "the neighbour is told one key by all tries",
    ),
    Bug(
        "P-11b", "a-write-sent-again-without-a-key",
        "A write is sent again though nothing says that twice is as good as once.",
        ("tests/kernel/test_rest.py::test_a_write_is_sent_again_only_where_that_is_safe",),
        "a write without a key is counted once",
    ),
    Bug(
        "P-12", "an-answer-from-memory-before-anyone-is-asked-who-they-are",
        "A repeated key is answered from memory, before the token is looked at.",
        ("tests/kernel/test_planted.py::test_p_12_an_answer_that_is_kept_is_given_to_nobody_who_may_not_ask",),
        "somebody else's token, and none, get the answer",
    ),
    Bug(
        "P-12b", "a-key-that-is-nobodys",
        "Answers are kept by key and route alone, whoever asked.",
        ("tests/kernel/test_idempotency.py::test_the_same_key_of_another_caller_is_another_key",),
        "the same key of another caller gets the first one's answer",
    ),
    Bug(
        "P-13", "a-list-without-its-tenant",
        "The list of orders forgets whose orders were asked for.",
        ("tests/trading/test_first_lock.py",),
        "on SQLite, which has no second lock, strangers see each other's orders",
    ),
    Bug(
        "P-13b", "row-level-security-off-on-one-table",
        "Orders are declared nobody's, so PostgreSQL locks their rows for nobody.",
        ("tests/trading/test_second_lock.py::test_a_strangers_question_finds_nothing_though_every_filter_is_gone",),
        "with the application's filters taken out, strangers see each other's orders",
    ),
    Bug(
        "P-13c", "another-services-list-without-its-tenant",
        "The list of deliveries forgets whose they are where an entitlement is named.",
        ("tests/delivery/test_first_lock.py",),
        "on SQLite a stranger who names another's entitlement sees its deliveries",
    ),
    Bug(
        "P-14", "a-route-that-declares-no-permission",
        "A route asks for no permission, not even that of everyone.",
        ("tests/journeys/test_matrix_by_hand.py::test_what_takes_more_than_a_role_is_what_is_written_here",),
        "each route is looked up in the table, and no service starts with such a one",
    ),
    Bug(
        "P-14b", "all-of-nothing",
        "A role is required by all(), which of nothing is true.",
        ("tests/kernel/test_permission.py",),
        "a caller without any of the roles is let in",
    ),
    Bug(
        "P-14c", "a-start-that-asks-for-no-permission",
        "An app starts with a route that declares no permission.",
        ("tests/kernel/test_planted.py::test_p_14_planted_a_route_without_a_policy_and_a_policy_without_anybody",),
        "such a route has to stop the start",
    ),
    Bug(
        "P-15", "whatever-algorithm-a-token-names",
        "A token's header is believed: its algorithm may be one of several, and the rest of it is not looked at.",
        ("tests/kernel/test_access.py::test_a_forged_token_is_refused_in_one_shape",),
        "forged tokens with other headers are taken",
    ),
    Bug(
        "P-15b", "an-audience-that-nobody-checks",
        "A token's audience is not looked at.",
        ("tests/kernel/test_access.py::test_a_token_for_one_service_is_no_token_for_another_or_for_people",),
        "a token for one service opens another",
    ),
    Bug(
        "P-16", "a-name-put-together-without-bounds",
        "What a request claims is named by its parts put together with nothing between them.",
        ("tests/kernel/test_planted.py::test_p_16_planted_a_name_put_together_without_bounds",),
        "two requests have one name, as a property says they never do",
    ),
    Bug(
        "P-17", "a-grade-read-from-the-request",
        "The grade by which a use is decided may stand in the request.",
        ("tests/journeys/test_matrix_by_hand.py::test_p_17_no_request_says_what_its_own_decision_rests_on",),
        "what each request says of itself stands in a table by hand",
    ),
    Bug(
        "P-17b", "a-role-read-from-the-token-alone",
        "A role counts that the token says, though the organisation has lost it.",
        ("tests/kernel/test_permission.py",),
        "standing is asked at the moment of decision",
    ),
    Bug(
        "P-18", "a-revoked-right-that-a-running-stream-does-not-hear-of",
        "A running delivery goes by the right as it was at its start.",
        ("tests/delivery/test_running_deliveries.py::test_a_suspended_entitlement_cuts_a_running_delivery",),
        "a suspended right cuts the stream after the first chunk",
    ),
    Bug(
        "P-18b", "an-answer-given-out-without-a-second-look",
        "An answer is given out by the grade and the clearance of when it was asked, however long it took to compute.",
        ("tests/delivery/test_computing.py::test_a_new_grade_while_it_is_computed_withholds_the_answer",),
        "a version that is graded higher while a question is computed gives nothing out",
    ),
    Bug(
        "P-19", "a-log-that-was-set-back-taken-for-a-slow-process",
        "A witness that has seen more than the log holds is taken to have seen another process of ours.",
        (
            "tests/audit/test_witnessing.py::test_a_log_that_was_set_back_and_grew_again_is_found_by_the_proof",
            "tests/audit/test_witnessing.py::test_one_witness_that_knows_better_is_enough",
        ),
        "a log whose tail was cut off is signed on",
    ),
    Bug(
        "P-19b", "a-policy-that-nobody-cosigned",
        "The verifier asks for the quorum only of a checkpoint that somebody cosigned.",
        ("tests/verifier/test_witnessed.py::test_a_history_cut_off_with_the_logs_own_key_has_no_witness",),
        "a bundle that nobody witnessed is reported as verified",
    ),
    Bug(
        "P-20", "a-proof-of-whatever-size",
        "The verifier folds a proof to the root without looking whether it is one of this size.",
        ("tests/verifier/test_proofs.py::test_a_proof_shows_one_place_and_no_other",),
        "an entry is shown in a place that is not its own",
    ),
    Bug(
        "P-20b", "evidence-for-an-older-head",
        "Evidence is taken that was asked of an older checkpoint than the one it comes with.",
        ("tests/verifier/test_forged_evidence.py::test_a_question_that_cannot_be_read_decides_nothing",),
        "an answer about an old log passes for one about the new",
    ),
    Bug(
        "P-21", "a-redirect-followed",
        "Where a neighbour or somebody outside sends us elsewhere, we go, with what was meant for them.",
        ("tests/kernel/test_redirects.py",),
        "no request names an address, so a redirect is the one way for others to choose whom we call",
    ),
    Bug(
        "P-21b", "keys-fetched-from-wherever-one-is-sent",
        "The outside issuer's keys are fetched from wherever its address sends us.",
        ("tests/kernel/test_redirects.py",),
        "keys from elsewhere vouch for people",
    ),
    Bug(
        "P-22", "a-bomb-guard-that-trusts-the-footer",
        "How much a Parquet file decodes to is read from its own footer.",
        ("tests/delivery/test_bad_files.py::test_bad_parquet",),
        "six hundred bytes become two hundred million",
    ),
    Bug(
        "P-23", "a-threshold-of-contributors-only",
        "A group is told of if enough contribute to it, whatever it tells together with others.",
        (
            "tests/delivery/test_disclosure.py::test_no_combination_of_all_that_is_released_tells_of_fewer_than_k",
            "tests/delivery/test_disclosure.py::test_a_thousand_targets_and_not_one_is_recovered",
        ),
        "an attacker who subtracts answers finds single persons",
    ),
    Bug(
        "P-24", "the-clock-of-whichever-node",
        "The moment of decision is the clock of the process instead of the database's.",
        ("tests/kernel/test_database.py::test_the_moment_of_decision_is_taken_after_the_lock",),
        "a moment that is taken after a lock has to be later than one taken under it",
    ),
    Bug(
        "P-25", "a-lease-without-its-fence",
        "Whoever once leased a stripe goes on writing to it after another has taken it over.",
        ("tests/kernel/test_outbox.py::test_a_process_that_lost_its_stripe_can_change_nothing_more",),
        "a process that lost its stripe still changes something",
    ),
    Bug(
        "P-26", "what-was-sent-in-the-text-of-an-exception",
        "An error of the database quotes the values that were sent.",
        ("tests/kernel/test_database.py::test_what_was_sent_is_not_in_an_error_of_the_database",),
        "a canary stands in the text of the exception",
    ),
    Bug(
        "P-26b", "a-password-in-a-line-of-the-log",
        "An operator is told with which password a log-in was refused.",
        ("tests/identity/test_log_in.py::test_nothing_that_anyone_logs_in_with_is_said_to_an_operator",),
        "a canary stands in what is said",
    ),
    Bug(
        "P-26c", "a-password-shown-by-what-holds-it",
        "Who prints an attempt to log in, as errors and debuggers do, prints its password.",
        ("tests/kernel/test_printed.py",),
        "each field that is named like a secret is looked at",
    ),
    Bug(
        "P-27", "providers-in-the-order-of-a-set",
        "The providers of the best matches are gone through in the order of a set.",
        ("tests/trading/test_need.py::test_the_providers_of_the_best_are_invited_each_once_and_strangers",),
        "whom a need invites depends on how this process hashes text",
    ),
    Bug(
        "P-27b", "a-lead-among-bids-in-the-order-of-a-set",
        "Who came second is found among bids in the order of a set.",
        ("tests/process/test_replays.py",),
        "processes with other hash seeds replay auctions otherwise",
    ),
    Bug(
        "P-28", "a-retry-within-a-retry",
        "What tries again is itself tried again.",
        ("tests/kernel/test_rest.py::test_after_the_last_attempt_the_neighbour_is_unavailable",),
        "the tries that reach a broken neighbour are counted",
    ),
)  # fmt: skip
