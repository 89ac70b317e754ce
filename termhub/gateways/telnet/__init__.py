"""Consoles by telnet: a login prompt, then the terminal UI."""

from .gateway import TelnetGateway, make_gateway

__all__ = ["TelnetGateway", "make_gateway"]
