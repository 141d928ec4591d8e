# The door: nginx of Debian, without rights, with its root file system read-only.
FROM debian:trixie-slim
# hadolint ignore=DL3008
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends curl nginx-light \
    && rm -rf /var/lib/apt/lists/*
COPY deploy/nginx.conf /etc/nginx/nginx.conf
COPY deploy/door /usr/local/bin/door
USER 33
EXPOSE 8000 8443
HEALTHCHECK --interval=5s --timeout=4s --start-period=180s --retries=6 \
    CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:8000/health/live"]
CMD ["door"]
