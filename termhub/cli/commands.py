"""The table of subcommands, and the group that imports one when it is called."""

from __future__ import annotations

from importlib import import_module

import click

from .. import __version__

_COMMANDS = {
    "up": ("termhub.cli.up:up", "Run a hub here."),
    "down": ("termhub.cli.up:down", "Stop the hub that runs here."),
    "launcher": ("termhub.cli.launcher:launcher", "Run the launcher alone, for a service manager."),
    "login": ("termhub.cli.login:login", "Log in to a hub and remember it."),
    "logout": ("termhub.cli.login:logout", "Forget the hub and revoke its token here."),
    "new": ("termhub.cli.consoles:new", "Make a console and attach to it."),
    "ls": ("termhub.cli.consoles:ls", "List your consoles, and those shared with you."),
    "attach": ("termhub.cli.attach:attach", "Show a console in this terminal."),
    "kill": ("termhub.cli.consoles:kill", "End consoles."),
    "rename": ("termhub.cli.consoles:rename", "Give a console another name."),
    "share": ("termhub.cli.shares:share", "Let others attach to a console."),
    "shares": ("termhub.cli.shares:shares", "List a console's shares, and who came by them."),
    "unshare": ("termhub.cli.shares:unshare", "Take shares of a console back."),
    "usage": ("termhub.cli.usage:usage", "Show what you have used, and what is left."),
    "key": ("termhub.cli.ssh_keys:key", "Manage the keys that open your account by ssh."),
    "export": ("termhub.cli.export:export", "Get everything that you have on a hub."),
    "admin": ("termhub.cli.admin:admin", "Look after a hub: users, consoles, load."),
    "doctor": ("termhub.cli.doctor:doctor", "Say what works on this machine, and what to install."),
    "audit": ("termhub.cli.audit:audit", "Check and read the audit log of a hub here."),
    "user": ("termhub.cli.accounts:user", "Manage the accounts of a hub here."),
    "token": ("termhub.cli.accounts:token", "Manage the API tokens of a hub here."),
}


class LazyGroup(click.Group):
    """A group that knows its commands' names and help, and imports a command to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, imported now."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, with the nearest names when there is no such command."""
        if args and not args[0].startswith("-") and args[0] not in _COMMANDS:
            from difflib import get_close_matches

            near = get_close_matches(args[0], _COMMANDS, n=1)
            hint = f"did you mean '{near[0]}'?" if near else "`termhub --help` lists the commands."
            ctx.fail(f"There is no command '{args[0]}'; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="A console goes on when you leave it: detach with C-b d, come back with `termhub attach`.",
)
@click.version_option(__version__, prog_name="termhub", message="%(prog)s %(version)s")
def cli() -> None:
    """Python consoles that never go away."""
