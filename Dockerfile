# The image of every service and of the gateway: which one it is, its command says.
FROM python:3.13-slim AS build
COPY deploy/requirements.lock /build/requirements.lock
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv /opt/yaosu \
    && /opt/yaosu/bin/pip install --disable-pip-version-check --require-hashes --requirement /build/requirements.lock

FROM python:3.13-slim
# The door reads there what delivery hands over to it, as another user.
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/yaosu yaosu && chmod 0755 /var/lib/yaosu
ENV PATH=/opt/yaosu/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    YAOSU_HOST=0.0.0.0 YAOSU_PORT=8000 YAOSU_VAR=/var/lib/yaosu
COPY --from=build /opt/yaosu /opt/yaosu
WORKDIR /app
COPY . .
# The root is read-only when it runs: without the compiled bytes, every start would read all of it as text.
RUN ln -s /app/deploy/yaosu /usr/local/bin/yaosu && python -m compileall -q services shared migrations verifier
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=4s --start-period=180s --retries=6 CMD ["/app/deploy/healthy"]
ENTRYPOINT ["/app/deploy/yaosu"]
CMD ["--help"]
