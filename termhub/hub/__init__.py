"""The hub: directory of consoles, their viewers, and the assembly of the daemon."""
