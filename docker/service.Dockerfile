# The service, for amd64 and arm64 (a Jetson Nano too). Needs BuildKit: DOCKER_BUILDKIT=1 where it is not the default.
# BASE_IMAGE: any Debian 12, whose own Python 3.11 runs the service. BUILD_IMAGE: the same for the machine that builds.
ARG BASE_IMAGE=debian:bookworm-slim
ARG BUILD_IMAGE=${BASE_IMAGE}

# All that can be done without running the target's programs: no emulation here, whatever the target.
# hadolint ignore=DL3029
FROM --platform=$BUILDPLATFORM ${BUILD_IMAGE} AS build
ARG BUILDARCH
ARG TARGETARCH
# hadolint ignore=SC2086
RUN case "$TARGETARCH" in \
      "$BUILDARCH") compiler="gcc libc6-dev" ;; \
      arm64) compiler="gcc-aarch64-linux-gnu libc6-dev-arm64-cross" ;; \
      amd64) compiler="gcc-x86-64-linux-gnu libc6-dev-amd64-cross" ;; \
      *) echo "no image for $TARGETARCH" >&2; exit 1 ;; \
    esac \
 && apt-get update \
 && apt-get install --yes --no-install-recommends $compiler ca-certificates python3-pip python3-venv \
 && rm -rf /var/lib/apt/lists/*
COPY docker/clone3.c /src/docker/
RUN case "$TARGETARCH" in amd64) triplet=x86_64-linux-gnu ;; arm64) triplet=aarch64-linux-gnu ;; esac \
 && "$triplet-gcc" -std=c11 -Os -s -o /usr/local/bin/clone3 /src/docker/clone3.c
WORKDIR /src
COPY requirements.lock pyproject.toml setup.py README.md LICENSE ./
COPY service service
COPY facepulse facepulse
COPY model_store model_store
COPY demo/astronaut.mp4 demo/
# A company proxy's certificate can be given as the secret `ca`.
RUN --mount=type=secret,id=ca \
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi \
 && export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
 && case "$TARGETARCH" in amd64) machine=x86_64 ;; arm64) machine=aarch64 ;; esac \
 && packages=/opt/facepulse/lib/python3.11/site-packages \
 && python3 -m venv --without-pip /opt/facepulse \
 && python3 -m pip wheel --no-deps --wheel-dir /wheels . \
 && python3 -m pip install --target "$packages" --constraint requirements.lock --only-binary :all: \
      --implementation cp --python-version 3.11 \
      --platform "manylinux_2_28_$machine" --platform "manylinux_2_27_$machine" \
      --platform "manylinux_2_17_$machine" --platform "manylinux2014_$machine" \
      "$(echo /wheels/facepulse-*.whl)[telemetry]" \
 && mv "$packages/bin/facepulse" /opt/facepulse/bin/ \
 && sed --in-place '1s|.*|#!/usr/local/bin/clone3 /opt/facepulse/bin/python3|' /opt/facepulse/bin/facepulse
# Not needed to run: tests, stubs, headers, debug symbols, a second onnxruntime for C programs, and parts of packages that
# nothing here imports.
# Libraries under *.libs are left alone: after strip, their moved segments no longer load.
WORKDIR /opt/facepulse/lib/python3.11/site-packages
RUN case "$TARGETARCH" in amd64) triplet=x86_64-linux-gnu ;; arm64) triplet=aarch64-linux-gnu ;; esac \
 && find . -name tests -type d -prune -exec rm -rf {} + \
 && find . \( -name '*.pyi' -o -name '*.pxd' -o -name '*.h' -o -name '*.a' \) -delete \
 && rm -r bin onnxruntime/capi/libonnxruntime.so.* onnxruntime/backend onnxruntime/datasets onnxruntime/quantization \
      onnxruntime/tools onnxruntime/transformers numpy/distutils \
      scipy/cluster scipy/datasets scipy/differentiate scipy/fftpack scipy/io scipy/misc scipy/odr \
 && find . -name '*.so' -not -path '*.libs/*' -exec "$triplet-strip" --strip-unneeded {} +

# Debian without what only installs packages (apt, perl) or converts old encodings; the list of packages stays for
# scanners, the copyright files too.
FROM ${BASE_IMAGE} AS system
RUN apt-get update \
 && apt-get install --yes --no-install-recommends python3 tini \
 && groupadd --gid 10001 facepulse \
 && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin facepulse \
 && install --directory --owner=10001 --group=10001 --mode=0700 /data \
 && rm -rf /usr/bin/apt* /usr/lib/apt /usr/lib/*/libapt-* /usr/bin/perl* /usr/lib/*/perl-base /usr/lib/*/gconv \
      /usr/lib/python3.11/lib2to3 /usr/lib/python3.11/pydoc_data /usr/lib/python3.11/test \
      /var/cache/* /var/lib/apt /var/log/*

FROM scratch
# hadolint ignore=DL3067
COPY --from=system / /
LABEL org.opencontainers.image.title="FacePulse" \
      org.opencontainers.image.description="Heart rate from a video of a face. Not a medical device." \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /usr/local/bin/clone3 /usr/local/bin/
COPY --from=build /opt/facepulse /opt/facepulse
ENV PATH=/opt/facepulse/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    OPENBLAS_NUM_THREADS=1 \
    ORT_DISABLE_TELEMETRY=1
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["facepulse", "health"]
ENTRYPOINT ["tini", "--", "facepulse"]
CMD ["serve"]
