"""The ``twistd termhub`` command."""

from twisted.application.service import ServiceMaker

termhub = ServiceMaker(
    "termhub", "termhub.cli.twistd", "Python consoles that never go away, on the web", "termhub"
)
