"""Tests; they run the examples."""
