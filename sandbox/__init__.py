"""Sandboxes: what runs a program apart from the machine. Knows nothing of termhub."""
