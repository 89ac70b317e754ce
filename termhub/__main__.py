"""``python -m termhub`` is the ``termhub`` command."""

from termhub.cli import main

main()
