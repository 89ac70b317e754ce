"""Consoles by telnet: a login prompt, then the terminal UI."""
