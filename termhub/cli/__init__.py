"""The termhub command."""
