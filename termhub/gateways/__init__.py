"""The ways in: web, and later ssh and telnet."""
