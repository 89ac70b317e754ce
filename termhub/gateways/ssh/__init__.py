"""Consoles from any ssh client, and the user's files by sftp, scp and rsync."""

from .gateway import SshGateway, make_gateway
from .job import UI, MakeUI, PersonTerminal, Services

__all__ = ["UI", "MakeUI", "PersonTerminal", "Services", "SshGateway", "make_gateway"]
