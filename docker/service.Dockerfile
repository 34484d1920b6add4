# The service, for amd64 and arm64. BASE_IMAGE: any Debian 12; Debian's own Python 3.11 runs it.
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${BASE_IMAGE} AS build
RUN apt-get update \
 && apt-get install --yes --no-install-recommends python3 python3-venv \
 && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/facepulse
WORKDIR /src
COPY requirements.lock pyproject.toml setup.py README.md LICENSE ./
COPY service service
COPY facepulse facepulse
COPY training training
COPY model_store model_store
COPY demo/astronaut.mp4 demo/
# A company proxy's certificate can be given as the secret `ca`.
RUN --mount=type=secret,id=ca \
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi; \
    /opt/facepulse/bin/pip install --no-cache-dir --disable-pip-version-check --constraint requirements.lock '.[telemetry]' \
 && /opt/facepulse/bin/pip uninstall --yes pip setuptools \
 && find /opt/facepulse -name tests -type d -prune -exec rm -rf {} +

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="FacePulse" \
      org.opencontainers.image.description="Heart rate from a video of a face. Not a medical device." \
      org.opencontainers.image.licenses="Apache-2.0"
RUN apt-get update \
 && apt-get install --yes --no-install-recommends python3 tini \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 facepulse \
 && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin facepulse \
 && install --directory --owner=10001 --group=10001 --mode=0700 /data
COPY --from=build /opt/facepulse /opt/facepulse
ENV PATH=/opt/facepulse/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ORT_DISABLE_TELEMETRY=1
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["facepulse", "health"]
ENTRYPOINT ["tini", "--", "facepulse"]
CMD ["serve"]
