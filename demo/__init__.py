"""The demonstration that `make demo` runs, and its clip."""
