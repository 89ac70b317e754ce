"""Folders for trial's test cases, which leave nothing in the working folder."""

import shutil
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase


def temporary_folder(test: SynchronousTestCase) -> Path:
    """A new folder that is deleted when the test is over."""
    folder = Path(tempfile.mkdtemp(prefix="termhub-test-"))
    test.addCleanup(shutil.rmtree, folder)
    return folder
