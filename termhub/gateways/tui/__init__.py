"""The terminal UI of ssh and telnet: the same consoles, drawn into any terminal.

:class:`~.ui.TerminalUI` knows no socket: bytes typed go in, bytes to show come out.
"""
