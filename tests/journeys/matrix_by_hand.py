"""What each route answers to each caller who asks about Alpha's and Aviation's things, written down route by route.

`u` unknown (401), `f` function not granted (403), `n` no such thing, or not yours to see (404), `.` whatever is told to
those who may ask. Before the answers stands the row of the rules that the route belongs to.

    anonymous | buyer, provider: Alpha, Aviation | another buyer, another provider | a suspended buyer
              | operators for business, system, security, audit | regulator | arbiter, of no case
              | a neighbouring service for itself, for Alpha, for another buyer
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.journeys.matrix_of_trading import TRADING
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
39  u .. .. . ff.f f f uuu  GET /identity/v1/dormant-accounts
39  u .n nn n ff.f f f uuu  POST /identity/v1/clients/{client_id}/disable
39  u .. .. f ffff f f uuu  POST /identity/v1/signing-keys
39  u .. .. f ffff f f uuu  GET /identity/v1/signing-keys
39  u .n nn f ffff f f uuu  POST /identity/v1/signing-keys/{key_id}/revoke
1   . .. .. . .... . . ...  POST /identity/v1/token
1   . .. .. . .... . . ...  POST /identity/v1/token/revoke
1   . .. .. . .... . . ...  GET /identity/.well-known/jwks.json
1   . .. .. . .... . . ...  GET /identity/.well-known/openid-configuration
1   . .. .. . .... . . ...  GET /identity/v1/merchant-classes
36  u .n nn n .... . n uuu  GET /identity/v1/participants/{participant_id}/documents
36  u .. .. . .... . . uuu  GET /identity/v1/delegations
36  u .n nn n .... . n uuu  GET /identity/v1/delegations/{delegation_id}
39  u .. .. . ffff f f uuu  GET /identity/v1/invitations
36  u .. .. f ffff f f uuu  GET /identity/v1/directory
39  u .. .. . .... . . uuu  GET /identity/v1/me/second-factor
39  u .. .. . .... . . uuu  GET /identity/v1/me/sessions
39  u .n nn f ffff f f uuu  GET /identity/v1/clients/{client_id}/keys
36  u nn nn . nnnn n n uuu  POST /identity/v1/participants/{participant_id}/documents
37  u ff ff f ffnf f f uuu  POST /identity/v1/participants/{participant_id}/documents/{document_id}/check
36  u nn nn . nnnn n n uuu  POST /identity/v1/participants/{participant_id}/representative
37  u ff ff f ff.f f f uuu  POST /identity/v1/participants/{participant_id}/representative/seen
36  u .. .. f ffff f f uuu  POST /identity/v1/delegations
36  u nn nn f ffff f f uuu  POST /identity/v1/delegations/{delegation_id}/acceptance
36  u nn nn n nnnn n n uuu  POST /identity/v1/delegations/{delegation_id}/refusal
36  u .n nn n nnnn n n uuu  POST /identity/v1/delegations/{delegation_id}/end
36  u .. .. . .... . . uuu  GET /identity/v1/sponsors
36  u .. .. . ffff f f uuu  POST /identity/v1/sponsorships
36  u .. .. . .... . . uuu  GET /identity/v1/sponsorships
36  u .n nn n .... . n uuu  GET /identity/v1/sponsorships/{sponsorship_id}
36  u nn nn f ffff f f uuu  POST /identity/v1/sponsorships/{sponsorship_id}/signature
36  u nn nn n nnnn n n uuu  POST /identity/v1/sponsorships/{sponsorship_id}/refusal
36  u .n nn n nnnn n n uuu  POST /identity/v1/sponsorships/{sponsorship_id}/end
39  u .. .. f ffff f f uuu  POST /identity/v1/invitations
1   n nn nn n nnnn n n nnn  POST /identity/v1/invitations/acceptance
39  u .n nn n ffff f f uuu  POST /identity/v1/invitations/{invitation_id}/revoke
39  u .n nn n ffnf f f uuu  POST /identity/v1/users/{user_id}/administrator
39  u .n nn n ff.f f f uuu  POST /identity/v1/users/{user_id}/enable
38  u ff ff f ff.f f f uuu  POST /identity/v1/participants/{participant_id}/reinstate
39  u .. .. . ffff f f uuu  POST /identity/v1/me/second-factor
39  u ff ff f .... . . uuu  POST /identity/v1/me/second-factor/confirm
39  u .n nn n ff.f f f uuu  POST /identity/v1/users/{user_id}/second-factor/reset
39  u .. .. . ffff f f uuu  POST /identity/v1/me/password
39  u nn nn n nnnn n n uuu  POST /identity/v1/me/sessions/{family_id}/end
39  u .n nn f ffff f f uuu  POST /identity/v1/clients/{client_id}/keys
39  u nn nn f ffff f f uuu  POST /identity/v1/clients/{client_id}/keys/{client_key_id}/revoke
39  u ff ff f ff.f f f uuu  POST /identity/v1/assignments
39  u ff ff f .... . f uuu  GET /identity/v1/assignments
39  u ff ff f .n.. . f uuu  GET /identity/v1/assignments/{assignment_id}
39  u ff ff f ff.f f f uuu  POST /identity/v1/assignments/{assignment_id}/revoke
3   u ff ff f ff.f f f uuu  GET /catalog/v1/unassigned
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
3   u uu uu u uuuu u u ...  GET /catalog/v1/versions/{version_id}/reviewers
3   u uu uu u uuuu u u ...  GET /catalog/v1/versions/{version_id}/assessment
7   u ff ff f .f.f . f uuu  GET /catalog/v1/important-data/snapshots
7   u ff ff f .f.f . f uuu  GET /catalog/v1/important-data/snapshots/{catalogue_snapshot_id}
7   u ff ff f nfnf n f uuu  GET /catalog/v1/important-data/snapshots/{catalogue_snapshot_id}/changes
45  u f. f. f .... . f uuu  GET /catalog/v1/versions/{version_id}/consents
35  n nn nn n nnnn n n nnn  GET /catalog/v1/my-consent
35  n nn nn n nnnn n n nnn  GET /catalog/v1/my-consent/requests
44  u f. f. f .... . f uuu  GET /catalog/v1/personal-requests
44  u fn fn f nnnn n f uuu  GET /catalog/v1/personal-requests/{personal_request_id}
7   u ff ff f ff.f f f uuu  POST /catalog/v1/important-data/snapshots
45  u f. fn f ffff f f uuu  POST /catalog/v1/versions/{version_id}/consents
35  n nn nn n nnnn n n nnn  POST /catalog/v1/my-consent/withdrawal
35  n nn nn n nnnn n n nnn  POST /catalog/v1/my-consent/requests
44  u fn fn f ffff f f uuu  POST /catalog/v1/personal-requests/{personal_request_id}/grant
44  u fn fn f ffff f f uuu  POST /catalog/v1/personal-requests/{personal_request_id}/refusal
44  u ff ff f ffnf f f uuu  POST /catalog/v1/personal-requests/{personal_request_id}/operator-grant
44  u ff ff f ffnf f f uuu  POST /catalog/v1/personal-requests/{personal_request_id}/operator-refusal
13  u f. fn f ffff f f uuu  POST /pricing/v1/plans
13  u f. fn f ffff f f uuu  POST /pricing/v1/plans/{plan_id}/revisions
3   u .. .. . .... . f uuu  GET /pricing/v1/plans
3   u .. .. . .... . f uuu  GET /pricing/v1/plans/{plan_id}
3   u nn nn n nnnn n f uuu  GET /pricing/v1/plans/{plan_id}/grid
14  u .f .f f ffff f f uuu  POST /pricing/v1/quotes
14  u .. nn f ffff f f n.n  GET /pricing/v1/quotes/{quote_id}
14  u .f nf f ffff f f uuu  POST /pricing/v1/quotes/{quote_id}/renew
14  u uu uu u uuuu u u ..n  GET /pricing/v1/quotes/{quote_id}/overlapping
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
1   . .. .. . .... . . ...  GET /pricing/v1/tax-rates
1   . .. .. . .... . . ...  GET /pricing/v1/fee-schedules
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
32  u .. .. . .fff . f uuu  GET /delivery/v1/versions/{version_id}/result-reviews
32  u nn nn n nfff n f uuu  GET /delivery/v1/result-reviews/{result_review_id}
32  u ff ff f nfff f f uuu  POST /delivery/v1/result-reviews/{result_review_id}/release
32  u ff ff f nfff f f uuu  POST /delivery/v1/result-reviews/{result_review_id}/withhold
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
41  u uu uu u uuuu u u nnn  GET /audit/v1/facts/{fact_id}/beacon
48  u .. .. . ff.f . f uuu  GET /audit/v1/incidents
48  u nn nn n ff.f . f uuu  GET /audit/v1/incidents/{incident_id}
48  u nn nn n ff.f . f uuu  GET /audit/v1/incidents/{incident_id}/report-draft
48  u .. .. . ff.f . f uuu  GET /audit/v1/vulnerabilities
48  u nn nn n ff.f . f uuu  GET /audit/v1/vulnerabilities/{vulnerability_id}
48  u .. .. . ff.f f f uuu  POST /audit/v1/incidents
48  u ff ff f ff.f f f uuu  POST /audit/v1/incidents/{incident_id}/grading
48  u ff ff f ff.f f f uuu  POST /audit/v1/incidents/{incident_id}/reports
48  u ff ff f ff.f f f uuu  POST /audit/v1/incidents/{incident_id}/containment
48  u ff ff f ff.f f f uuu  POST /audit/v1/incidents/{incident_id}/dismissal
48  u .. .. . ff.f f f uuu  POST /audit/v1/vulnerabilities
48  u ff ff f ff.f f f uuu  POST /audit/v1/vulnerabilities/{vulnerability_id}/danger
48  u ff ff f ff.f f f uuu  POST /audit/v1/vulnerabilities/{vulnerability_id}/report
48  u ff ff f ff.f f f uuu  POST /audit/v1/vulnerabilities/{vulnerability_id}/mending
48  u ff ff f ff.f f f uuu  POST /audit/v1/vulnerabilities/{vulnerability_id}/dismissal
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A route, the number of its row in the rules, and what each caller is answered."""

    route: str
    row: int
    answers: Mapping[str, str]


def _lines() -> Mapping[str, Line]:
    found = dict[str, Line]()
    for told in (TABLE.strip() + TRADING).strip().splitlines():
        row, *groups, method, path = told.split()
        route, letters = f"{method} {path}", "".join(groups)
        assert route not in found and len(letters) == len(CALLERS) and set(letters) <= set("ufn."), told
        found[route] = Line(route, int(row), dict(zip(CALLERS, letters, strict=True)))
    return found


BY_HAND = _lines()
