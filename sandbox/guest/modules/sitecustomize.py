"""Start-up file of every Python program in a sandbox, found over PYTHONPATH.

It steps back behind everything else on the path, runs the ``sitecustomize`` that would
have run without it, and prepares what ``_termhub`` offers.  What fails of ours is silent:
no program may notice this file.  Valid Python 2, for the programs that still are.
"""

import sys

_ours = sys.modules[__name__]  # Python 2 empties a module that nobody holds


def _run_next():  # type: ignore[no-untyped-def]
    """Run the next ``sitecustomize``; it is what is imported under that name from then on.

    Our folder is last on the path from now on, so that modules of the user's come first,
    whatever they are called.
    """
    del sys.modules[__name__]
    folder = __file__.rpartition("/")[0]
    sys.path[:] = [other for other in sys.path if other != folder]
    try:
        __import__("sitecustomize")
    except ImportError as error:
        # Not found is usual, and Python 2 cannot tell it from another failure.
        if getattr(error, "name", "sitecustomize") != "sitecustomize":
            raise
    finally:
        sys.path.append(folder)
        sys.modules.setdefault(__name__, _ours)


def _start():  # type: ignore[no-untyped-def]
    if sys.version_info >= (3, 6):
        try:
            import _termhub  # type: ignore[import-not-found]

            _termhub.start()
        except Exception:  # noqa: BLE001, S110 - a program goes before what we add to it
            pass


if __name__ == "sitecustomize":
    try:
        _run_next()  # type: ignore[no-untyped-call]
    finally:
        _start()  # type: ignore[no-untyped-call]
