"""What a change of a text takes away besides what it changes is said."""

from __future__ import annotations

from harness.manifests.losses import losses
from harness.manifests.rewrite import ANEW


def test_a_change_that_leaves_the_rest_as_it_was_lost_nothing() -> None:
    assert list(losses("# a\nb: 1  # of b\n", "# a\nb: 1  # of b\nc: 2\n")) == []
    assert list(losses("b: 1\nc: 2\n", "b: 3\n")) == []


def test_comments_that_are_gone_are_counted_and_the_first_is_told() -> None:
    (told,) = losses("a: [\n  # of one\n  1,\n  # of two\n  2]\n", "a: [1, 2]\n")
    assert told == "2 comments are lost, for the change could not be made beside them: first '# of one'"


def test_lines_that_only_moved_are_counted() -> None:
    (told,) = losses("a:\n- b: 1\n- c: 2\n", "a:\n  - b: 1\n  - c: 2\nd: 3\n")
    assert told == "indented anew, and not changed: 2 lines"


def test_a_document_that_is_written_anew_is_told_to_be() -> None:
    (told,) = losses("# a\nb: &b 1\nc: *b\n", ANEW + "b: 1\nc: 2\n")
    assert told.startswith("it is written anew, without its comments and aliases")
    assert list(losses(ANEW + "b: 1\n", ANEW + "b: 1\nc: 2\n")) == []
