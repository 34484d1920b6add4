"""Readers that turn a folder of recordings into the common record, and who of them trains."""
