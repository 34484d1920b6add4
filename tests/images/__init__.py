"""The proof that the container images work; not part of the tests: `make image-test`, `make image-test-arm64`.

Wants Debian 12, root and a network; brings its own engine, needs no registry and leaves other engines alone.
"""
