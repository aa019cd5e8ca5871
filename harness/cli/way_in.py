"""`--path` of a command -> the `path:` that an experiment's file would have."""

from __future__ import annotations

from typing import Annotated, Any, get_args

import typer

from harness.errors import UsageError
from harness.inputs.shown import near, shown

WayIn = Annotated[
    str | None,
    typer.Option(
        "--path",
        metavar="WAY",
        help="How requests reach it: clusterip (default), nodeport, loadbalancer, ingress, gateway, or a URL. Not with "
        "an experiment file.",
    ),
]


def way_in(text: str | None) -> dict[str, Any]:
    """The keys of the experiment that say it; none where nothing is said.

    >>> way_in("nodeport"), way_in("https://shop.example.com"), way_in(None)
    ({'path': 'nodeport'}, {'path': {'url': 'https://shop.example.com'}}, {})

    Raises:
        UsageError: it is no way in.
    """
    from pydantic import ValidationError

    from harness.model.path_settings import PathSettings, PathWord

    if text is None:
        return {}
    words = get_args(PathWord)
    if text in words:
        return {"path": text}
    tried = f"reading --path {shown(text)}"
    if "://" not in text:
        raise UsageError(tried, f"there is no such path{near(text, words)}", f"Give {', '.join(words)}, or a URL.")
    try:
        PathSettings.model_validate({"url": text})
    except ValidationError as error:
        said = str(error.errors(include_url=False)[0]["msg"]).removeprefix("Value error, ")
        raise UsageError(tried, said) from None
    return {"path": {"url": text}}
