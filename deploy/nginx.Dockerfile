# The door: nginx of Debian, without rights, with its root file system read-only.
FROM debian:trixie-slim
# hadolint ignore=DL3008
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends curl nginx-light \
    && rm -rf /var/lib/apt/lists/*
COPY deploy/nginx.conf /etc/nginx/nginx.conf
USER 33
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s --retries=6 \
    CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:8080/health/live"]
CMD ["nginx", "-g", "daemon off;"]
