"""Every endpoint of `delivery`: of what comes in, of what is shown, of what goes out, and of what is computed."""

from services.delivery.api import contents, cubes, desensitisation, exports, queries, result_reviews, samples, uploads
from shared.routing import Router

router = Router()
for part in (uploads, desensitisation, samples, contents, queries, cubes, result_reviews, exports):
    router.include(part.router)
