"""What was secret once is replaced wherever it turns up, in whatever form; settings and common words are not."""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.records import line, safe
from harness.model.request import Outcome, Request
from harness.redaction import Redaction
from harness.redaction.literals import any_of

CANARY = "c4n/ary+\"7'f"


@pytest.fixture
def door() -> Redaction:
    return Redaction()


def inside_base64(before: str, after: str) -> str:
    return base64.b64encode((before + CANARY + after).encode()).decode()


@pytest.mark.parametrize(
    "form",
    [
        CANARY,
        json.dumps(CANARY),
        repr(CANARY),
        quote(CANARY, safe=""),
        safe(CANARY),
        base64.b64encode(CANARY.encode()).decode(),
        base64.urlsafe_b64encode(CANARY.encode()).decode(),
        f"x{CANARY}x",
    ],
)
def test_each_form_of_a_value_is_replaced_by_the_digest_of_the_value(door: Redaction, form: str) -> None:
    door.learn(CANARY)
    clean = door.text(f"kubelet said <{form}>")
    assert door.digest(CANARY) in clean
    assert not any(piece in clean for piece in ("c4n", "ary", "YzRu"))


@pytest.mark.parametrize("before", ["", "a", "ab", "user:"])
def test_of_a_value_in_the_middle_of_something_encoded_nothing_can_be_decoded(door: Redaction, before: str) -> None:
    door.learn(CANARY)
    encoded = inside_base64(before, "and more")
    clean = door.text(encoded)
    assert door.digest(CANARY) in clean
    left = "".join(clean.split(door.digest(CANARY)))
    assert len(left) < len(encoded) - len(base64.b64encode(CANARY.encode())) + 6


def test_what_is_a_secret_in_a_value_is_replaced_by_itself(door: Redaction) -> None:
    door.learn("postgres://shop:hunter2x@db:5432/shop")
    door.learn("Bearer t0ken-abc")
    door.learn("session=s3ss10n; theme=dark")
    assert door.text("denied: hunter2x") == f"denied: {door.digest('hunter2x')}"
    assert door.text("denied: t0ken-abc") == f"denied: {door.digest('t0ken-abc')}"
    assert door.text("denied: s3ss10n") == f"denied: {door.digest('s3ss10n')}"


def test_the_password_in_a_basic_header_and_the_docker_config_are_known(door: Redaction) -> None:
    door.learn("Basic " + base64.b64encode(b"shop:hunter2x").decode())
    door.learn(json.dumps({"auths": {"registry": {"username": "shop", "password": "p4ssw0rd"}}}))
    for value in ("hunter2x", "p4ssw0rd"):
        assert door.text(f"login {value}") == f"login {door.digest(value)}"


def test_each_line_of_a_key_is_known(door: Redaction) -> None:
    door.learn("-----BEGIN KEY-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n-----END KEY-----\n")
    assert door.text("BgkqhkiG9w0B") == door.digest("BgkqhkiG9w0B")
    assert door.text("-----BEGIN KEY-----") == "-----BEGIN KEY-----"


@pytest.mark.parametrize("value", ["true", "8080", "0.5", "10Gi", "1h30m", "10.0.0.1:80", "abc", "Running", "seamless"])
def test_short_and_common_values_are_not_looked_for(door: Redaction, value: str) -> None:
    door.learn(value)
    assert door.text(f"it is {value}, {value}") == f"it is {value}, {value}"


def test_of_settings_a_single_word_is_not_looked_for_and_of_secrets_it_is(door: Redaction) -> None:
    door.learn("verbose", surely=False)
    assert door.text("a verbose log") == "a verbose log"
    door.learn("verbose", surely=True)
    assert door.text("a verbose, verbosely") == f"a {door.digest('verbose')}, verbosely"


def test_a_name_that_everybody_knows_is_not_hidden(door: Redaction) -> None:
    door.know_names(["web-frontend"])
    door.learn("frontend")
    assert door.text("Pod web-frontend-1: frontend") == "Pod web-frontend-1: frontend"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("running with --password=abc", "abc"),
        ("running with --db-token 'a c'", "a c"),
        ("GET http://shop:abc@db/ failed", "shop:abc"),
        ("GET /?api_key=abc&b=c failed", "abc"),
        ('{"clientSecret": "abc"}', "abc"),
        ("password: abc", "abc"),
        ("> Cookie: a=b; c=d", "a=b; c=d"),
        ("> Authorization: Bearer abc", "Bearer abc"),
        ("x-api-key: abc", "abc"),
        ('proxy_set_header Authorization "abc def";', "abc def"),
        ("users: shop:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/", "$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"),
        ("spec.containers[0].env[1].value is 12345678, where text is wanted", "12345678"),
        ("got eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJ", "eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJ"),
    ],
)
def test_known_forms_are_hidden_without_having_been_seen_before(door: Redaction, text: str, secret: str) -> None:
    assert door.text(text) == text.replace(secret, door.digest(secret))
    assert door.text(door.text(text)) == door.text(text)


@pytest.mark.parametrize(
    "text",
    [
        'secret "app-secrets" not found',
        "couldn't find key token in Secret default/app",
        "MountVolume.SetUp failed for volume: token expired",
        "run --password=$PASSWORD --token ${TOKEN} --secret $(SECRET)",
        "Basic authentication failed",
        "proxy_set_header Authorization $http_authorization; proxy_set_header Host shop;",
        "Readiness probe failed: Get http://10.0.0.1:80/: dial tcp: connect: connection refused",
    ],
)
def test_what_only_speaks_of_secrets_stays(door: Redaction, text: str) -> None:
    assert door.text(text) == text


def row(**said: str) -> bytes:
    times = {"scheduled": 1.0, "started": 1.0, "ended": 1.1}
    request = Request(stream="new", worker=0, seq=7, reused=False, outcome=Outcome.OK, status=200, **times, **said)  # type: ignore[arg-type]
    return line(request).encode()


def test_in_a_row_what_the_application_said_of_itself_is_replaced_and_nothing_else(door: Redaction) -> None:
    plain = row(pod="web-1", via="nginx/1.28.0")
    door.learn(CANARY)
    echoed = row(pod="web-1", via=f"echo {safe(CANARY)}")
    assert door.row(plain) == plain
    assert door.row(echoed) == row(pod="web-1", via=f"echo {door.digest(CANARY)}")
    assert door.row(b"a,b") == b"a,b"


def test_the_name_of_a_pod_that_was_seen_stays(door: Redaction) -> None:
    door.object({"kind": "Pod", "metadata": {"name": "shop-db-0"}})
    door.learn("shop-db-0")
    assert door.row(row(pod="shop-db-0", via="")) == row(pod="shop-db-0", via="")


@pytest.mark.parametrize("length", [40, 79, 200])
def test_a_value_that_was_cut_off_with_its_cell_is_replaced_as_far_as_it_goes(door: Redaction, length: int) -> None:
    value = "".join(f"{n:x}-" for n in range(1000, 1000 + length))[:length]
    door.learn(value)
    said = safe("the application echoes what it got: " + value)
    assert len(said) >= 76
    assert value[:8] not in door.row(row(pod="web-1", via=said)).decode()


def test_a_value_that_was_cut_off_with_its_message_is_replaced_at_both_ends(door: Redaction) -> None:
    value = "abcdefgh-1-ijklmnop"
    door.learn(value)
    clean = door.text(f"{value[8:]} {'x ' * 1000} {value[:10]}")
    assert value[8:] not in clean
    assert value[:10] not in clean


def test_what_is_learned_late_counts_from_then_on(door: Redaction) -> None:
    said = row(pod="web-1", via="c4nary-7")
    assert door.row(said) == said
    assert door.text("c4nary-7") == "c4nary-7"
    door.learn("c4nary-7")
    assert b"c4nary" not in door.row(said)
    assert door.text("c4nary-7") == door.digest("c4nary-7")


@given(st.lists(st.text("ab(.*", min_size=1, max_size=6), max_size=20), st.text("ab(.*", max_size=40))
def test_the_expression_finds_the_longest_literal_at_the_first_place(literals: list[str], text: str) -> None:
    found = any_of(literals).search(text)
    starts = [at for at in range(len(text)) if any(text.startswith(one, at) for one in literals)]
    assert (found is None) == (not starts)
    if found is not None:
        assert found.start() == starts[0]
        assert found[0] == max((one for one in literals if text.startswith(one, starts[0])), key=len)


def test_a_great_secret_is_no_trouble(door: Redaction) -> None:
    value = "".join(f"{n:05x}." for n in range(20_000))
    door.learn(value)
    assert value[600:640] not in door.text(f"said {value[:4000]}")


@pytest.mark.parametrize(
    "piece",
    [
        "a.",
        "a",
        "password",
        "a://",
        "x-",
        " ",
        "\n",
        "-u ",
        "-u a",
        "'",
        "eyJaaaaaaaaa.",
        "a=b; ",
        "a:$1$",
        "_header x-",
    ],
)
def test_no_message_keeps_the_door_busy_for_long(door: Redaction, piece: str) -> None:
    """What a server, a kubelet or a container says may be made to hang whoever reads it."""
    began = time.process_time()
    door.learn(piece * 3000)
    door.text("= " + piece * 20_000)
    assert time.process_time() - began < 5.0


@pytest.mark.parametrize(
    "said",
    [
        'spec.tls[0].secretName: Invalid value: "__INGRESS_SECRET__": a lowercase RFC 1123 subdomain must consist of',
        'metadata.name: Invalid value: "api_token": must be no more than 63 characters',
        'spec.type: Unsupported value: "Password": supported values: "ClusterIP", "NodePort"',
    ],
)
def test_what_an_api_server_says_of_a_name_is_no_value_of_it(door: Redaction, said: str) -> None:
    assert door.text(said) == said


@pytest.mark.parametrize(
    "said",
    [
        'Invalid value: "api_token": hunter2x',
        'Invalid value: "api_token": "must be this"',
        '{"value: ": 1, "api_token": hunter2x}',
        '"api_token": must go',
    ],
)
def test_a_value_beside_a_name_that_says_so_is_one_whatever_stands_before_it(door: Redaction, said: str) -> None:
    clean = door.text(said)
    assert "<redacted " in clean
    assert ": hunter2x" not in clean
    assert "must" not in clean
