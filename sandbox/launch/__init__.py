"""Backends that start a sandbox."""
