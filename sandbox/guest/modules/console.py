"""Your termhub console, from inside.

``console.share()`` makes a link by which others see this console.
``console.debug()`` debugs another Python program of this console, while it runs.

From a shell: ``python3 -m console share`` and ``python3 -m console debug``.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Optional, Union

__all__ = ["debug", "share"]


def share(role: str = "observer", expires: "Union[str, float]" = "1d", uses: "Optional[int]" = None) -> "Any":
    """Share this console by a link; prints it and returns it, as ``url`` and ``ssh``.

    :param role: ``"observer"``, who watches, or ``"writer"``, who may type too and so run
        programs with your files. For writers an owner who is attached has to say yes.
    :param expires: how long it works: ``"30m"``, ``"2h"``, ``"1d"``, or seconds.
    :param uses: how many may come by it; None for any number.
    """
    from _termhub.sharing import share  # type: ignore[import-not-found]

    if role != "observer":
        print("Waiting for an owner's yes in one of the windows that show this console.", flush=True)
    made = share(role, expires, uses)
    print(made.words)
    return made


def debug(pid: "Optional[int]" = None) -> None:
    """Debug a running Python program of this console with pdb, in this window.

    It is interrupted where it is, also in a loop without end or asleep. Look around, then
    let it go on (``c``), stop it (``stop``) or just leave (``q``): it goes on.

    :param pid: which one; None for the only other one, or to choose.
    """
    from _termhub.pdb_client import debug  # type: ignore[import-not-found]

    debug(pid)


def _main(arguments: "List[str]") -> None:
    import argparse

    parser = argparse.ArgumentParser(
        prog="python -m console", description="This termhub console, from inside."
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    sharing = commands.add_parser("share", help="make a link by which others see this console")
    sharing.add_argument("--role", choices=("observer", "writer"), default="observer")
    sharing.add_argument("--expires", default="1d", metavar="TIME", help="30m, 2h, 1d (the default)")
    sharing.add_argument("--uses", type=int, metavar="N", help="how many may come by it")
    debugging = commands.add_parser("debug", help="debug a running Python program of this console")
    debugging.add_argument("pid", type=int, nargs="?", help="which one; without, the only one, or choose")
    options = parser.parse_args(arguments)
    try:
        if options.command == "share":
            share(options.role, options.expires, options.uses)
        elif options.command == "debug":
            try:
                import readline  # noqa: F401 - input() edits lines once it is imported
            except ImportError:
                pass  # lines can be typed all the same
            debug(options.pid)
        else:
            parser.print_help()
            sys.exit(2)
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "_termhub":
            raise
        sys.exit("console: %s" % error)


if __name__ == "__main__":
    _main(sys.argv[1:])
