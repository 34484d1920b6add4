"""The chain from a video file to a heart rate; no web, no torch, no settings."""
