"""termhub: Python consoles that never go away, served to browsers and terminals."""

__version__ = "0.1.0"
