"""The ways in: web, ssh and telnet; and the terminal UI that the last two show."""
