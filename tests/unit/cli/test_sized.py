"""What `--apply-sizing` makes of results: the advice that settings and manifest can take, or why there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.cli.sized import nothing_to_apply, proof
from harness.model.advice import Remedy, Sizing
from harness.model.experiment import Experiment, Mitigation, Variant
from harness.model.result import ScenarioResult, Verdict
from harness.model.run import Expect
from harness.runner.scenario import scenarios
from harness.spec.hooks import surely_serves_s
from harness.spec.rolling import rollout_spec
from harness.spec.workload import pod_spec
from tests.unit.reporters.examples import BOTH, DEFAULT


def experiment(repository: Path, **variants: Variant) -> Experiment:
    return Experiment.model_validate(
        {
            "version": 1,
            "name": "shop",
            "manifests": [str(repository / "fixtures" / "manifests" / "app-recreate.yaml")],
            "service": {"name": "web", "port": 80},
            "load": {"new": {"rate": 10}},
        }
    ).model_copy(update={"variants": variants})


def dropping(variant: str = "default", **sizing: object) -> ScenarioResult:
    assert isinstance(DEFAULT.sizing, Sizing)
    return replace(DEFAULT, variant=variant, scenario=variant, sizing=replace(DEFAULT.sizing, **sizing))


NOT_ADVISED = replace(DEFAULT.sizing.prestop_s, advised=False) if DEFAULT.sizing else None
FINISH = Remedy(cause="in-flight-kill", requests=3, needed="finishing", why="they ended", by_settings=False)


def test_only_what_is_advised_and_too_small_is_raised(repository: Path) -> None:
    asked = experiment(repository, default=Variant(expect=Expect.DROPPING))
    found = proof(asked, [dropping(min_ready_s=NOT_ADVISED), BOTH])
    assert found is not None
    ((name, variant),) = found.experiment.variants.items()
    assert (name, variant.expect) == ("default-sized", Expect.SEAMLESS)
    assert [(one.name, one.value_s) for one in variant.mitigations] == [("prestop", 5)]
    assert found.applied[name].words == ("preStop 5 s",)


def test_what_no_setting_cures_is_expected_to_be_anything_and_said_before_it_is_tried(repository: Path) -> None:
    found = proof(experiment(repository, default=Variant()), [dropping(remedies=(FINISH,))])
    assert found is not None
    assert found.experiment.variants["default-sized"].expect == Expect.ANY
    assert found.title == (
        "No setting prevents every loss:\n"
        "  default: 3 requests by in-flight-kill. Needed: finishing\n"
        "Again, with the settings that prevent a part of it:"
    )
    cured = proof(experiment(repository, default=Variant(expect=Expect.ANY)), [dropping()])
    assert cured is not None
    assert cured.experiment.variants["default-sized"].expect == Expect.SEAMLESS
    assert cured.title == "Again, with the recommended settings:"


def test_each_variant_is_expected_what_its_own_causes_allow(repository: Path) -> None:
    kept = Variant(mitigations=(Mitigation.model_validate({"grace": "40s"}),))
    found = proof(
        experiment(repository, default=Variant(), kept=kept), [dropping(remedies=(FINISH,)), dropping("kept")]
    )
    assert found is not None
    expected = {name: variant.expect for name, variant in found.experiment.variants.items()}
    assert expected == {"default-sized": Expect.ANY, "kept-sized": Expect.SEAMLESS}
    assert "kept:" not in found.title


def test_what_is_wrong_in_the_manifest_is_mended_before_it_is_mitigated(repository: Path) -> None:
    sizing = {"cure": ("strategy: RollingUpdate", "a sentence"), "mends": ("recreate",)}
    found = proof(experiment(repository, default=Variant()), [dropping(**sizing)])
    assert found is not None
    assert found.applied["default-sized"].words == ("strategy: RollingUpdate", "preStop 5 s", "minReadySeconds 5 s")
    (scenario,) = scenarios(found.experiment, found.applied)
    target = scenario.application.target
    rollout = rollout_spec("Deployment", target["spec"])
    assert (rollout.strategy, rollout.max_unavailable, rollout.min_ready_s) == ("RollingUpdate", 0, 5)
    assert [surely_serves_s(container) for container in pod_spec(target)["containers"]] == [5]
    assert scenario.applied.mended == ("strategy: RollingUpdate",)


def test_variants_that_come_to_the_same_are_run_once(repository: Path) -> None:
    kept = Variant(mitigations=(Mitigation.model_validate({"prestop": "2s"}),))
    found = proof(experiment(repository, default=Variant(), short=kept), [dropping(), dropping("short")])
    assert found is not None
    assert list(found.experiment.variants) == ["default-sized"]


def test_what_only_the_application_can_cure_is_said_and_not_run(repository: Path) -> None:
    result = dropping(
        cure=("finishing",), prestop_s=NOT_ADVISED, min_ready_s=NOT_ADVISED, grace_s=NOT_ADVISED, remedies=(FINISH,)
    )
    assert proof(experiment(repository, default=Variant()), [result]) is None
    assert nothing_to_apply([result]) == (
        "Nothing to prove: no variant dropped calls that settings would have prevented.\n"
        "  default: 3 requests by in-flight-kill: they ended. Needed: finishing"
    )


def test_nothing_is_proved_where_nothing_dropped(repository: Path) -> None:
    doubtful = replace(dropping(), verdict=Verdict.INCONCLUSIVE)
    assert proof(experiment(repository, default=Variant()), [BOTH, doubtful]) is None
    assert nothing_to_apply([BOTH]).endswith("settings would have prevented.")
