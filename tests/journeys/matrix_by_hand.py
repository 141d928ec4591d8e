"""What each route answers to each caller who asks about Alpha's and Aviation's things, written down route by route.

`u` unknown (401), `f` function not granted (403), `n` no such thing, or not yours to see (404), `.` whatever is told to
those who may ask. Before the answers stands the row of the rules that the route belongs to.

    anonymous | buyer, provider: Alpha, Aviation | another buyer, another provider | a suspended buyer
              | operators for business, system, security, audit | regulator | arbiter, of no case
              | a neighbouring service for itself, for Alpha, for another buyer
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.support.walk import CALLERS

TABLE = """
36  . .. .. . .... . . ...  POST /identity/v1/applications
36  u ff ff f .... . f uuu  GET /identity/v1/participants
36  u .n nn n .... . n uuu  GET /identity/v1/participants/{participant_id}
37  u ff ff f ff.f f f uuu  POST /identity/v1/participants/{participant_id}/admit
37  u ff ff f ff.f f f uuu  POST /identity/v1/participants/{participant_id}/clearance
37  u ff ff f ff.f f f uuu  POST /identity/v1/participants/{participant_id}/affiliations
36  u .n nn n .... . n uuu  GET /identity/v1/participants/{participant_id}/affiliations
38  u ff ff f ff.f f f uuu  POST /identity/v1/participants/{participant_id}/{decision}
39  u .. .. . .... . . uuu  GET /identity/v1/me
39  u .. .. f ffff f f uuu  POST /identity/v1/users
39  u .. .. . ffff f f uuu  GET /identity/v1/users
39  u .n nn n ff.f f f uuu  POST /identity/v1/users/{user_id}/disable
39  u .. .. f ffff f f uuu  POST /identity/v1/clients
39  u .. .. . ffff f f uuu  GET /identity/v1/clients
39  u .n nn n ff.f f f uuu  POST /identity/v1/clients/{client_id}/disable
39  u .. .. f ffff f f uuu  POST /identity/v1/signing-keys
39  u .. .. f ffff f f uuu  GET /identity/v1/signing-keys
39  u .n nn f ffff f f uuu  POST /identity/v1/signing-keys/{key_id}/revoke
1   . .. .. . .... . . ...  POST /identity/v1/token
1   . .. .. . .... . . ...  POST /identity/v1/token/revoke
1   . .. .. . .... . . ...  GET /identity/.well-known/jwks.json
1   . .. .. . .... . . ...  GET /identity/.well-known/openid-configuration
3   . .. .. . .... . . uuu  GET /catalog/v1/assets
3   . .. .. . .... . . uuu  GET /catalog/v1/suggestions
4   u f. f. f ffff f f uuu  POST /catalog/v1/assets
3   . .. .. . .... . . uuu  GET /catalog/v1/assets/{asset_id}
4   u f. fn f ffff f f uuu  PATCH /catalog/v1/assets/{asset_id}
4   u f. fn f ffff f f uuu  POST /catalog/v1/assets/{asset_id}/versions
4   u f. fn f ffff f f uuu  POST /catalog/v1/assets/{asset_id}/source-declaration
4   u f. fn f ffff f f uuu  POST /catalog/v1/assets/{asset_id}/withdraw
4   u f. fn f ffff f f uuu  POST /catalog/v1/assets/{asset_id}/submit
6   u ff ff f .fff f f uuu  POST /catalog/v1/assets/{asset_id}/register
6   u ff ff f .fff f f uuu  POST /catalog/v1/assets/{asset_id}/refuse
4   u n. nn f ffff f f uuu  POST /catalog/v1/assets/{asset_id}/filings/licence
4   u n. nn f ffff f f uuu  POST /catalog/v1/assets/{asset_id}/filings/transfer
4   u n. nn f ffff f f uuu  POST /catalog/v1/assets/{asset_id}/filings/change
4   u n. nn f ffff f f uuu  POST /catalog/v1/assets/{asset_id}/filings/renewal
6   u ff ff f .fff f f uuu  POST /catalog/v1/assets/{asset_id}/filings/revocation
3   u .. .. . .... . f uuu  GET /catalog/v1/filings
3   u .. nn n .... . f uuu  GET /catalog/v1/filings/{filing_id}
3   u .. .. . .... . f uuu  GET /catalog/v1/notices
24  u .f nn f ffff f f uuu  POST /catalog/v1/filings/{filing_id}/consent
24  u ff nn f ffff f f uuu  POST /catalog/v1/filings/{filing_id}/decline
24  u f. nn f ffff f f uuu  POST /catalog/v1/filings/{filing_id}/withdraw
6   u ff ff f .fff f f uuu  POST /catalog/v1/filings/{filing_id}/agree
6   u ff ff f .fff f f uuu  POST /catalog/v1/filings/{filing_id}/refuse
35  u .f .. f ffff f f uuu  POST /catalog/v1/assets/{asset_id}/objections
3   u .. .. . .... . f uuu  GET /catalog/v1/assets/{asset_id}/objections
3   u .. nn n .... . f uuu  GET /catalog/v1/objections/{objection_id}
35  u .n nn f ffff f f uuu  POST /catalog/v1/objections/{objection_id}/withdraw
6   u ff ff f .fff f f uuu  POST /catalog/v1/objections/{objection_id}/dismiss
6   u ff ff f .fff f f uuu  POST /catalog/v1/objections/{objection_id}/uphold
3   u uu uu u uuuu u u ...  GET /catalog/v1/versions/{version_id}
9   u uu uu u uuuu u u ...  POST /catalog/v1/versions/{version_id}/inspection
7   u f. fn f ffff f f uuu  POST /catalog/v1/versions/{version_id}/grade-proposals
7   u f. fn f .fff . f uuu  GET /catalog/v1/versions/{version_id}/grade
7   u ff ff f .fff . f uuu  POST /catalog/v1/versions/{version_id}/raise-grade
1   n nn nn n nnnn n n nnn  GET /catalog/v1/certificates
1   . .. .. . .... . . ...  GET /catalog/v1/certificates/keys
1   . .. .. . .... . . ...  GET /catalog/v1/certificates/{certificate_id}
1   . .. .. . .... . . uuu  GET /catalog/v1/certificates/{certificate_id}/certificate.json
12  u f. fn f ffff f f uuu  POST /catalog/v1/versions/{version_id}/quality-declaration
12  u .. .. . .... . f uuu  GET /catalog/v1/versions/{version_id}/quality-report
3   u f. fn f ffff f f uuu  POST /catalog/v1/versions/{version_id}/lineage
3   . .. .. . .... . . uuu  GET /catalog/v1/versions/{version_id}/lineage
3   u f. fn f ffff f f uuu  POST /catalog/v1/versions/{version_id}/licence-terms
3   . .. .. . .... . . uuu  GET /catalog/v1/versions/{version_id}/licence-terms
32  u .f .f f ffff f f uuu  POST /catalog/v1/access-requests
29  u .. .. . .fff . f uuu  GET /catalog/v1/access-requests
29  u .. nn n .fff . f uuu  GET /catalog/v1/access-requests/{access_request_id}
32  u f. fn f ffff f f uuu  POST /catalog/v1/access-requests/{access_request_id}/approval
32  u f. fn f ffff f f uuu  POST /catalog/v1/access-requests/{access_request_id}/refusal
6   u ff ff f .fff f f uuu  POST /catalog/v1/access-requests/{access_request_id}/second-approval
6   u ff ff f .fff f f uuu  POST /catalog/v1/access-requests/{access_request_id}/second-refusal
32  u .f nf f ffff f f uuu  POST /catalog/v1/access-requests/{access_request_id}/withdrawal
32  u f. fn f ffff f f uuu  POST /catalog/v1/access-requests/{access_request_id}/revocation
3   u uu uu u uuuu u u ...  GET /catalog/v1/versions/{version_id}/access
45  u f. fn f ffff f f uuu  POST /catalog/v1/assets/{asset_id}/consents
45  u f. fn f ffff f f uuu  POST /catalog/v1/assets/{asset_id}/assessments
45  u f. f. f .fff . f uuu  GET /catalog/v1/records
45  u f. fn f .fff . f uuu  GET /catalog/v1/records/{record_id}
45  u f. fn f ffff f f uuu  POST /catalog/v1/records/{record_id}/withdraw
8   u f. fn f ffff f f uuu  POST /catalog/v1/versions/{version_id}/lowerings
45  u f. fn f ffff f f uuu  POST /catalog/v1/versions/{version_id}/risk-assessments
8   u f. f. f .fff . f uuu  GET /catalog/v1/petitions
8   u f. fn f .fff . f uuu  GET /catalog/v1/petitions/{petition_id}
8   u ff ff f .fff f f uuu  POST /catalog/v1/petitions/{petition_id}/agree
8   u ff ff f .fff f f uuu  POST /catalog/v1/petitions/{petition_id}/refuse
8   u f. fn f ffff f f uuu  POST /catalog/v1/petitions/{petition_id}/withdraw
7   u f. fn f .fff . f uuu  POST /catalog/v1/versions/{version_id}/regradings
7   u f. f. f .fff . f uuu  GET /catalog/v1/regradings
7   u f. fn f .fff . f uuu  GET /catalog/v1/regradings/{regrading_id}
7   u f. fn f ffff f f uuu  POST /catalog/v1/regradings/{regrading_id}/assess
7   u ff ff f .fff f f uuu  POST /catalog/v1/regradings/{regrading_id}/confirm
11  u f. fn f ffff f f uuu  POST /catalog/v1/versions/{version_id}/authority-filings
11  u ff ff f .f.f . f uuu  GET /catalog/v1/important-data
1   . .. .. . .... . . ...  GET /catalog/v1/grading-rules
13  u f. fn f ffff f f uuu  POST /pricing/v1/plans
13  u f. fn f ffff f f uuu  POST /pricing/v1/plans/{plan_id}/revisions
3   u .. .. . .... . f uuu  GET /pricing/v1/plans
3   u .. .. . .... . f uuu  GET /pricing/v1/plans/{plan_id}
3   u nn nn n nnnn n f uuu  GET /pricing/v1/plans/{plan_id}/grid
14  u .f .f f ffff f f uuu  POST /pricing/v1/quotes
14  u .. nn f ffff f f n.n  GET /pricing/v1/quotes/{quote_id}
14  u .f nf f ffff f f uuu  POST /pricing/v1/quotes/{quote_id}/renew
14  u uu uu u uuuu u u ...  GET /pricing/v1/quotes/{quote_id}/overlapping
13  u f. fn f ffff f f uuu  POST /pricing/v1/price-caps
3   u .. .. . .... . f uuu  GET /pricing/v1/price-caps
3   u nn nn n nnnn n f uuu  GET /pricing/v1/price-caps/{price_cap_id}
13  u uu uu u uuuu u u nnn  GET /pricing/v1/versions/{version_id}/price-cap
1   . .. .. . .... . . ...  GET /pricing/v1/fee-schedules/current
15  u .. .. f ffff f f uuu  POST /pricing/v1/revenue-shares
15  u n. nn n ffff . f uuu  GET /pricing/v1/revenue-shares/{revenue_share_id}
15  u f. fn f ffff f f uuu  POST /pricing/v1/valuations
15  u f. f. f ffff f f uuu  GET /pricing/v1/valuations
15  u f. fn f ffff . f uuu  GET /pricing/v1/valuations/{valuation_id}
15  u f. fn f ffff f f uuu  POST /pricing/v1/cost-sheets
15  u f. f. f ffff f f uuu  GET /pricing/v1/cost-sheets
15  u f. fn f ffff . f uuu  GET /pricing/v1/cost-sheets/{cost_sheet_id}
15  u f. fn f ffff . f uuu  GET /pricing/v1/cost-sheets/{cost_sheet_id}/disclosure.csv
1   . .. .. . .... . . ...  GET /pricing/v1/reference-prices
1   . .. .. . .... . . ...  GET /pricing/v1/price-index
18  u .f ff f ffff f f uuu  POST /trading/v1/auctions/{auction_id}/bids
5   u f. fn f ffff f f uuu  POST /trading/v1/listings
3   . .. .. . .... . . uuu  GET /trading/v1/listings
3   . .. .. . .... . . uuu  GET /trading/v1/listings/{listing_id}
5   u f. fn f ffff f f uuu  POST /trading/v1/listings/{listing_id}/suspend
5   u f. fn f ffff f f uuu  POST /trading/v1/listings/{listing_id}/resume
5   u f. fn f ffff f f uuu  POST /trading/v1/listings/{listing_id}/delist
16  u f. fn f ffff f f uuu  POST /trading/v1/auctions
3   . .. .. . .... . . uuu  GET /trading/v1/auctions
3   . .. .. . .... . . uuu  GET /trading/v1/auctions/{auction_id}
18  u .f ff f ffff f f uuu  POST /trading/v1/auctions/{auction_id}/registrations
19  . .. .. . .... . . uuu  GET /trading/v1/auctions/{auction_id}/bids
17  u f. fn f ffff f f uuu  POST /trading/v1/auctions/{auction_id}/cancel
18  u .f .f f ffff f f uuu  POST /trading/v1/auctions/{auction_id}/acceptances
18  u .f .f f ffff f f uuu  POST /trading/v1/auctions/{auction_id}/sealed-bids
19  . .. .. . .... . . uuu  GET /trading/v1/auctions/{auction_id}/sealed-bids
18  u .f .f f ffff f f uuu  POST /trading/v1/auctions/{auction_id}/reveals
18  u .f ff f ffff f f uuu  POST /trading/v1/auctions/{auction_id}/buy-now
18  u .f .f f ffff f f uuu  POST /trading/v1/auctions/{auction_id}/second-award/acceptance
18  u .f .f f ffff f f uuu  POST /trading/v1/auctions/{auction_id}/second-award/refusal
17  u ff ff f .fff f f uuu  POST /trading/v1/auctions/{auction_id}/cancellation
17  u ff ff f .fff f f uuu  POST /trading/v1/auctions/{auction_id}/cancellation/confirmation
19  n nn nn n nnnn n n uuu  GET /trading/v1/auctions/{auction_id}/stream
14  u .f .f f ffff f f uuu  POST /trading/v1/needs
14  u .. .. . ffff . f uuu  GET /trading/v1/needs
14  u f. f. f ffff f f uuu  GET /trading/v1/open-needs
14  u .. n. n ffff . f uuu  GET /trading/v1/needs/{need_id}
14  u .f nf f ffff f f uuu  GET /trading/v1/needs/{need_id}/matches
14  u .f nf f ffff f f uuu  POST /trading/v1/needs/{need_id}/inquiry
14  u .f nf f ffff f f uuu  POST /trading/v1/needs/{need_id}/close
14  u .f .f f ffff f f uuu  POST /trading/v1/inquiries
14  u .. .. . ffff . f uuu  GET /trading/v1/inquiries
14  u .. n. n ffff . f uuu  GET /trading/v1/inquiries/{inquiry_id}
14  u f. f. f ffff f f uuu  POST /trading/v1/inquiries/{inquiry_id}/offers
14  u f. f. f ffff f f uuu  POST /trading/v1/inquiries/{inquiry_id}/openings
14  u .f nf f ffff f f uuu  POST /trading/v1/inquiries/{inquiry_id}/cancel
33  u .f ff f ffff f f uuu  POST /trading/v1/negotiations
33  u f. fn f ffff f f uuu  POST /trading/v1/directed-negotiations
22  u .. .. . .ff. . f uuu  GET /trading/v1/negotiations
22  u .. nn n nff. . f uuu  GET /trading/v1/negotiations/{negotiation_id}
33  u .. nn f ffff f f uuu  POST /trading/v1/negotiations/{negotiation_id}/offers
33  u .. nn f ffff f f uuu  POST /trading/v1/negotiations/{negotiation_id}/acceptance
33  u .. nn f ffff f f uuu  POST /trading/v1/negotiations/{negotiation_id}/termination
6   u ff ff f nfff f f uuu  POST /trading/v1/negotiations/{negotiation_id}/approval
6   u ff ff f nfff f f uuu  POST /trading/v1/negotiations/{negotiation_id}/refusal
16  u ff ff f .fff f f uuu  POST /trading/v1/call-auctions
3   . .. .. . .... . . uuu  GET /trading/v1/call-auctions
3   . .. .. . .... . . uuu  GET /trading/v1/call-auctions/{call_auction_id}
18  u .f ff f ffff f f uuu  POST /trading/v1/call-auctions/{call_auction_id}/bids
5   u fn fn f ffff f f uuu  POST /trading/v1/call-auctions/{call_auction_id}/asks
19  u .. .. . fff. . f uuu  GET /trading/v1/call-auctions/{call_auction_id}/orders
17  u ff ff f .fff f f uuu  POST /trading/v1/call-auctions/{call_auction_id}/cancel
23  u .f nf f ffff f f uuu  POST /trading/v1/orders
22  u .. .. . fff. . f uuu  GET /trading/v1/orders
22  u .. nn n fff. . f uuu  GET /trading/v1/orders/{order_id}
26  u .f nf f ffff f f uuu  POST /trading/v1/orders/{order_id}/payment
23  u .f nf f ffff f f uuu  POST /trading/v1/orders/{order_id}/acceptance
23  u .f nf f ffff f f uuu  POST /trading/v1/orders/{order_id}/objections
22  u .. nn n fff. . f uuu  GET /trading/v1/orders/{order_id}/objections
22  u .. nn n fff. . f uuu  GET /trading/v1/orders/{order_id}/objections/{number}
23  u f. fn f ffff f f uuu  POST /trading/v1/orders/{order_id}/objections/{number}/cure
23  u f. fn f ffff f f uuu  POST /trading/v1/orders/{order_id}/objections/{number}/concession
23  u f. fn f ffff f f uuu  POST /trading/v1/orders/{order_id}/objections/{number}/rejection
23  u .f nf f ffff f f uuu  POST /trading/v1/orders/{order_id}/objections/{number}/acceptance
23  u .f nf f ffff f f uuu  POST /trading/v1/orders/{order_id}/objections/{number}/refusal
23  u .f nf f ffff f f uuu  POST /trading/v1/orders/{order_id}/objections/{number}/withdrawal
22  u .. .. . fff. . f uuu  GET /trading/v1/contracts
22  u .. nn n fff. . f uuu  GET /trading/v1/contracts/{contract_id}
23  u .. nn f ffff f f uuu  POST /trading/v1/contracts/{contract_id}/signatures
22  u .. nn n fff. . f uuu  GET /trading/v1/contracts/{contract_id}/document
24  u .. nn f ffff f f uuu  POST /trading/v1/contracts/{contract_id}/amendments
24  u .. nn f ffff f f uuu  POST /trading/v1/contracts/{contract_id}/refusal
22  u .. nn n fff. . f uuu  GET /trading/v1/contracts/{contract_id}/terminations
24  u .. nn f ffff f f uuu  POST /trading/v1/contracts/{contract_id}/terminations
24  u .. nn f ffff f f uuu  POST /trading/v1/contracts/{contract_id}/terminations/{termination_id}/agreement
24  u .. nn f ffff f f uuu  POST /trading/v1/contracts/{contract_id}/terminations/{termination_id}/contest
24  u .f nf f ffff f f uuu  POST /trading/v1/contracts/{contract_id}/renewals
23  u .f nf f ffff f f uuu  POST /trading/v1/orders/{order_id}/credits
22  u .. nn n fff. . f uuu  GET /trading/v1/orders/{order_id}/credits
22  u nn nn n fffn n f uuu  GET /trading/v1/credits/{credit_id}
23  u fn fn f ffff f f uuu  POST /trading/v1/credits/{credit_id}/confirmation
23  u fn fn f ffff f f uuu  POST /trading/v1/credits/{credit_id}/contestation
23  u f. fn f ffff f f uuu  POST /trading/v1/orders/{order_id}/refunds
22  u .. nn n fff. . f uuu  GET /trading/v1/orders/{order_id}/refunds
22  u nn nn n fffn n f uuu  GET /trading/v1/orders/{order_id}/refunds/{number}
22  u .. .. . fff. . f uuu  GET /trading/v1/receivables
29  u .. .. . fff. . f uuu  GET /trading/v1/entitlements
29  u .. nn n fff. . f uuu  GET /trading/v1/entitlements/{entitlement_id}
31  u uu uu u uuuu u u f.n  POST /trading/v1/entitlements/{entitlement_id}/uses
33  u .. nn f ffff f f uuu  POST /trading/v1/disputes
34  u .. .. . ffff . . uuu  GET /trading/v1/disputes
34  u .. nn n ffff . n uuu  GET /trading/v1/disputes/{dispute_id}
34  u .. nn n ffff f n uuu  GET /trading/v1/disputes/{dispute_id}/texts/{content_hash}
34  u .. nn n ffff f n uuu  GET /trading/v1/disputes/{dispute_id}/bundle
33  u .. nn f ffff f f uuu  POST /trading/v1/disputes/{dispute_id}/response
33  u .. nn f ffff f f uuu  POST /trading/v1/disputes/{dispute_id}/evidence
33  u .. nn f ffff f f uuu  POST /trading/v1/disputes/{dispute_id}/settlement
33  u .. nn f ffff f f uuu  POST /trading/v1/disputes/{dispute_id}/withdrawal
33  u .. nn f ffff f f uuu  POST /trading/v1/disputes/{dispute_id}/challenge
33  u .. nn f ffff f f uuu  POST /trading/v1/disputes/{dispute_id}/appeal
34  u ff ff f ffff f n uuu  POST /trading/v1/disputes/{dispute_id}/ruling
34  u ff ff f ffff f n uuu  POST /trading/v1/disputes/{dispute_id}/recusal
34  u ff ff f ffff f n uuu  POST /trading/v1/disputes/{dispute_id}/extension
37  u ff ff f ff.f f f uuu  POST /trading/v1/arbiters
37  u ff ff f ff.f f f uuu  POST /trading/v1/arbiters/{user_id}/retirement
37  u .. .. . .... . . uuu  GET /trading/v1/arbiters
25  u .. .. f ffff f f uuu  GET /trading/v1/wallet
25  u .. .. f ffff f f uuu  GET /trading/v1/wallet/transfers
26  u .. .. f ffff f f uuu  POST /trading/v1/wallet/pay-ins
26  u .. .. f ffff f f uuu  POST /trading/v1/wallet/payouts
25  u .n nn f ffff f f uuu  GET /trading/v1/instructions/{instruction_id}
25  u ff ff f .fff f f uuu  GET /trading/v1/instructions
28  u ff ff f .fff f f uuu  POST /trading/v1/instructions/{instruction_id}/resume
25  u ff ff f fff. . f uuu  GET /trading/v1/ledger/trial-balance
25  u .. .. f ffff f f uuu  GET /trading/v1/wallet/statements/{month}
25  u .. .. f ffff f f uuu  GET /trading/v1/wallet/statements/{month}/export.csv
25  u .. .. f ffff f f uuu  GET /trading/v1/wallet/invoices/{month}
26  . .. .. . .... . . ...  POST /trading/v1/custodian/callbacks
6   u ff ff f .fff . f uuu  POST /trading/v1/freezes
6   u ff ff f ffff . f uuu  POST /trading/v1/freezes/{freeze_id}/confirmation
6   u ff ff f ffff . f uuu  POST /trading/v1/freezes/{freeze_id}/lifting
6   u ff ff f ffff . f uuu  POST /trading/v1/freezes/{freeze_id}/lifting/confirmation
6   u .. .. . .fff . f uuu  GET /trading/v1/freezes
6   u n. nn n .fff . f uuu  GET /trading/v1/freezes/{freeze_id}
35  . .. .. . .... . . uuu  POST /trading/v1/complaints
35  n nn nn n nnnn n n nnn  GET /trading/v1/complaint-receipts/{complaint_id}
35  u ff ff f .fff . f uuu  GET /trading/v1/complaints
35  u ff ff f .fff . f uuu  GET /trading/v1/complaints/{complaint_id}
35  u ff ff f .fff . f uuu  POST /trading/v1/complaints/{complaint_id}/acceptance
35  u ff ff f .fff . f uuu  POST /trading/v1/complaints/{complaint_id}/rejection
35  u ff ff f .fff . f uuu  POST /trading/v1/complaints/{complaint_id}/investigation
35  u ff ff f .fff . f uuu  POST /trading/v1/complaints/{complaint_id}/decision
49  . .. .. . .... . . ...  GET /trading/v1/credit-records/{participant_id}
49  u .. .. f ffff f f uuu  GET /trading/v1/credit-record
49  u .. .. . .f.. . f uuu  GET /trading/v1/credit-entries
35  u nn nn f ffff f f uuu  POST /trading/v1/credit-entries/{credit_entry_id}/appeal
49  u .. .. . .f.. . f uuu  GET /trading/v1/credit-appeals
38  u ff ff f nfff n f uuu  POST /trading/v1/credit-appeals/{credit_appeal_id}/decision
49  u .. .. . .f.. . f uuu  GET /trading/v1/sanctions
49  u nn nn n nfnn n f uuu  GET /trading/v1/sanctions/{sanction_id}
35  u nn nn f ffff f f uuu  POST /trading/v1/sanctions/{sanction_id}/statement
38  u ff ff f ffnf f f uuu  POST /trading/v1/sanctions/{sanction_id}/imposition
38  u ff ff f ffnf f f uuu  POST /trading/v1/sanctions/{sanction_id}/dropping
9   u f. fn f ffff f f uuu  POST /delivery/v1/uploads
9   u f. fn f ffff f f uuu  PUT /delivery/v1/uploads/{upload_id}/content
9   u f. fn f ffff f f uuu  GET /delivery/v1/uploads/{upload_id}
12  u f. fn f ffff f f uuu  POST /delivery/v1/versions/{version_id}/desensitisation-plan
12  u .. nn n .... . f uuu  GET /delivery/v1/versions/{version_id}/desensitisation-plan
12  u .. nn n .... . f uuu  GET /delivery/v1/versions/{version_id}/effect-report
31  u n. nn f ffff f f uuu  GET /delivery/v1/versions/{version_id}/sample
31  u .f nf f ffff f f uuu  GET /delivery/v1/entitlements/{entitlement_id}/content
31  u .f nf f ffff f f uuu  HEAD /delivery/v1/entitlements/{entitlement_id}/content
41  u .. .. . fff. . f uuu  GET /delivery/v1/deliveries
31  u .f nf f ffff f f uuu  POST /delivery/v1/entitlements/{entitlement_id}/rows
32  u .f nf f ffff f f uuu  POST /delivery/v1/entitlements/{entitlement_id}/queries
41  u .. .. . fff. . f uuu  GET /delivery/v1/queries
32  u f. fn f ffff f f uuu  POST /delivery/v1/versions/{version_id}/cubes
32  u .. .. . .fff . f uuu  GET /delivery/v1/versions/{version_id}/cubes
32  u n. nn n .fff . f uuu  GET /delivery/v1/cubes/{cube_id}
32  u ff ff f .fff f f uuu  POST /delivery/v1/cubes/{cube_id}/approve
32  u ff ff f .fff f f uuu  POST /delivery/v1/cubes/{cube_id}/refuse
32  u .f nf f ffff f f uuu  POST /delivery/v1/entitlements/{entitlement_id}/cube-queries
47  u ff ff f ff.f f f uuu  POST /delivery/v1/entitlements/{entitlement_id}/export-clearances
47  u .. nn n ff.f . f uuu  GET /delivery/v1/entitlements/{entitlement_id}/export-clearances
41  u uu uu u uuuu u u ...  POST /audit/v1/batches
41  u ff ff f fff. . f uuu  GET /audit/v1/sources/{service}/{stripe}
42  . .. .. . .... . . ...  GET /audit/v1/log/checkpoint
41  u ff ff f fffn n f uuu  GET /audit/v1/log/tile/entries/{path:path}
42  n nn nn n nnnn n n nnn  GET /audit/v1/log/tile/{level}/{path:path}
41  u nn nn n fff. . f uuu  GET /audit/v1/entries/{index}
41  u .. .. . fff. . f uuu  GET /audit/v1/entries
42  . .. .. . .... . . ...  GET /audit/v1/proofs/inclusion
42  . .. .. . .... . . ...  GET /audit/v1/proofs/inclusion.tlog-proof
42  . .. .. . .... . . ...  GET /audit/v1/proofs/consistency
41  u ff ff f fff. . f uuu  GET /audit/v1/bundle
41  u .. .. . fff. . f uuu  GET /audit/v1/queries
41  u ff ff f fff. . f uuu  GET /audit/v1/queries/bundle
41  u uu uu u uuuu u u ...  GET /audit/v1/evidence
41  u uu uu u uuuu u u .ff  GET /audit/v1/evidence/bundle
41  u uu uu u uuuu u u nnn  GET /audit/v1/facts/{fact_id}
41  u ff ff f ffff . f uuu  POST /audit/v1/cases
41  u ff ff f ffff . f uuu  GET /audit/v1/cases
41  u ff ff f ffff . f uuu  GET /audit/v1/cases/{case_id}
41  u ff ff f ffff . f uuu  POST /audit/v1/cases/{case_id}/approval
41  u ff ff f ffff . f uuu  POST /audit/v1/cases/{case_id}/refusal
41  u ff ff f ffff . f uuu  POST /audit/v1/cases/{case_id}/extension
41  u ff ff f ffff . f uuu  POST /audit/v1/cases/{case_id}/closing
41  u ff ff f ffff . f uuu  GET /audit/v1/cases/{case_id}/entries
41  u ff ff f ffff . f uuu  GET /audit/v1/cases/{case_id}/entries/{index}
41  u ff ff f ffff . f uuu  GET /audit/v1/cases/{case_id}/bundle
41  u ff ff f ffff . f uuu  POST /audit/v1/samplings
41  u ff ff f ffff . f uuu  GET /audit/v1/samplings
41  u ff ff f ffff . f uuu  GET /audit/v1/samplings/{sampling_id}
41  u uu uu u uuuu u u ...  POST /audit/v1/disclosures
41  u ff ff f ffff . f uuu  GET /audit/v1/cases/{case_id}/entries/{index}/fields
44  u ff ff f ffnf f f uuu  POST /audit/v1/redactions
44  u ff ff f .... . f uuu  GET /audit/v1/redactions
44  u ff ff f .... . f uuu  GET /audit/v1/redactions/{redaction_id}
44  u ff ff f fff. f f uuu  POST /audit/v1/redactions/{redaction_id}/approval
44  u ff ff f fff. f f uuu  POST /audit/v1/redactions/{redaction_id}/refusal
44  u ff ff f fff. . f uuu  GET /audit/v1/redaction-counts
42  . .. .. . .... . . ...  GET /audit/v1/retention
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A route, the number of its row in the rules, and what each caller is answered."""

    route: str
    row: int
    answers: Mapping[str, str]


def _lines() -> Mapping[str, Line]:
    found = dict[str, Line]()
    for told in TABLE.strip().splitlines():
        row, *groups, method, path = told.split()
        route, letters = f"{method} {path}", "".join(groups)
        assert route not in found and len(letters) == len(CALLERS) and set(letters) <= set("ufn."), told
        found[route] = Line(route, int(row), dict(zip(CALLERS, letters, strict=True)))
    return found


BY_HAND = _lines()
