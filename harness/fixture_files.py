"""Where the manifests and experiments are that come with the harness."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def fixtures() -> Path:
    """The fixtures' folder: inside an installed package, beside the package in a checkout."""
    installed = _PACKAGE / "fixtures"
    return installed if installed.is_dir() else _PACKAGE.parent / "fixtures"
