"""How the bucket that the settings name is spoken to.

Promises: every try has its limit, and all of them together; what the environment says of AWS decides nothing.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from obstore.store import S3Store

from shared.bucket import Bucket

if TYPE_CHECKING:
    from obstore.store import S3Config

CONNECT_SECONDS_MAX = 3
SILENCE_SHARE, TRIES_MAX = 3, 3  # a third of the limit for one silent try; what is left is for the others


def bucket_store(bucket: Bucket, answer_seconds_max: float) -> S3Store:
    """`answer_seconds_max` is for one request with all its tries."""
    limit = timedelta(seconds=answer_seconds_max)
    encryption: S3Config = {}
    if bucket.encryption:
        encryption["server_side_encryption"] = bucket.encryption
    if bucket.kms_key:
        encryption["sse_kms_key_id"] = bucket.kms_key
    return S3Store(
        bucket.name, prefix=bucket.prefix, region=bucket.region, config=encryption,
        # Also under its longer name: the environment's would go before it.
        endpoint=bucket.address, aws_endpoint_url_s3=bucket.address,
        access_key_id=bucket.access_key, secret_access_key=bucket.secret_key, skip_signature=False,
        virtual_hosted_style_request=not bucket.is_path_style,
        client_options={
            "allow_http": bucket.is_plain, "allow_invalid_certificates": False, "timeout": limit,
            "connect_timeout": timedelta(seconds=CONNECT_SECONDS_MAX), "read_timeout": limit / SILENCE_SHARE,
        },
        retry_config={"max_retries": TRIES_MAX - 1, "retry_timeout": limit / SILENCE_SHARE},
    )  # fmt: skip
