# The training, for a machine without the tools: recordings and runs are mounted, nothing of them is in the image.
#
#   docker build --file docker/training.Dockerfile --build-arg PIP_EXTRA_INDEX_URL=... --tag facepulse-training .
#   docker run --rm --user "$(id -u)" --volume "$PWD/runs:/training/runs" facepulse-training \
#       python -m training.train student --help
#
# PIP_EXTRA_INDEX_URL or PIP_FIND_LINKS: where PyTorch's wheels for the CPU are; without one, pip takes those with CUDA,
# which are gigabytes larger.
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${BASE_IMAGE} AS build
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates python3-venv \
 && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/facepulse
WORKDIR /src
COPY requirements.lock pyproject.toml setup.py README.md LICENSE ./
COPY service service
COPY facepulse facepulse
COPY training training
COPY model_store model_store
COPY demo/astronaut.mp4 demo/
ARG PIP_EXTRA_INDEX_URL=""
ARG PIP_FIND_LINKS=""
RUN --mount=type=secret,id=ca \
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi \
 && /opt/facepulse/bin/pip install --no-cache-dir --disable-pip-version-check --constraint requirements.lock '.[training]' \
 && /opt/facepulse/bin/pip uninstall --yes pip setuptools

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="FacePulse training" \
      org.opencontainers.image.description="Trains, evaluates and exports the models of FacePulse." \
      org.opencontainers.image.licenses="Apache-2.0"
RUN apt-get update \
 && apt-get install --yes --no-install-recommends python3 tini \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
 && groupadd --gid 10001 facepulse \
 && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin facepulse \
 && install --directory --owner=10001 --group=10001 /training
COPY --from=build /opt/facepulse /opt/facepulse
ENV PATH=/opt/facepulse/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ORT_DISABLE_TELEMETRY=1
WORKDIR /training
USER 10001:10001
ENTRYPOINT ["tini", "--"]
CMD ["python", "-m", "training.train", "--help"]
