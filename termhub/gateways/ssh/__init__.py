"""Consoles from any ssh client, and the user's files by sftp, scp and rsync."""

from .gateway import SshGateway, make_gateway
from .job import MakeUI, PersonTerminal, Services

__all__ = ["MakeUI", "PersonTerminal", "Services", "SshGateway", "make_gateway"]
