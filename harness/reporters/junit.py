"""Turns an experiment's result into JUnit XML, one test case a scenario, as CI systems read it.

The dialect is what Jenkins, GitLab and GitHub's readers share: testsuites > testsuite > (properties, testcase*), and in
a test case at most one of failure and error, then system-out.
"""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from harness.model.quantity import things
from harness.model.result import ExperimentResult, ScenarioResult, Verdict
from harness.model.run import RunInfo
from harness.reporters.escaping import visible
from harness.reporters.figures import count, dropping_of, expectation, listed
from harness.reporters.place import notes, particulars, where
from harness.reporters.spent import spent_words


def experiment_junit(result: ExperimentResult, infos: Mapping[str, RunInfo]) -> str:
    """A whole document. `failure`: the verdict is not what was expected, or a limit of the budget was exceeded, as exit
    code 1 says; `error`: nothing could be said.

    Raises KeyError: no info of a scenario.
    """
    states = [_state(s) for s in result.scenarios]
    totals = {
        "tests": str(len(states)),
        "failures": str(states.count("failure")),
        "errors": str(states.count("error")),
        "time": f"{sum(_length_s(s) for s in result.scenarios):.3f}",
    }
    root = ElementTree.Element("testsuites", {"name": visible(result.experiment), **totals})
    suite = ElementTree.SubElement(root, "testsuite", {"name": visible(result.experiment), **totals, "skipped": "0"})
    if result.scenarios:
        first = infos[result.scenarios[0].scenario]
        if first.t0_wall:
            suite.set("timestamp", datetime.fromtimestamp(first.t0_wall, UTC).strftime("%Y-%m-%dT%H:%M:%S"))
        properties = ElementTree.SubElement(suite, "properties")
        for name, value in _shared([infos[s.scenario] for s in result.scenarios]):
            ElementTree.SubElement(properties, "property", {"name": name, "value": visible(value)})
    for scenario in result.scenarios:
        _case(suite, result.experiment, infos[scenario.scenario], scenario)
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _shared(infos: Sequence[RunInfo]) -> Iterable[tuple[str, str]]:
    """The particulars that are the same in all scenarios."""
    others = [dict(particulars(info)) for info in infos[1:]]
    return ((name, value) for name, value in particulars(infos[0]) if all(o[name] == value for o in others))


def _state(result: ScenarioResult) -> str:
    if result.exceeded:
        return "failure"
    if result.as_expected:
        return "passed"
    return "error" if result.verdict is Verdict.INCONCLUSIVE else "failure"


def _length_s(result: ScenarioResult) -> float:
    """From the start of the run to the end of its last window."""
    return max((r.window.end for r in result.rollouts), default=result.control.end if result.control else 0.0)


def _case(suite: ElementTree.Element, experiment: str, info: RunInfo, result: ScenarioResult) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        {"classname": visible(experiment), "name": visible(result.scenario), "time": f"{_length_s(result):.3f}"},
    )
    state = _state(result)
    if state != "passed":
        over = [f"; budget: {spent_words(one)}" for one in result.budget if one.exceeded]
        message = f"{result.verdict.value}, {expectation(result)}: {result.sentence}{''.join(over)}"
        attributes = {"message": visible(message), "type": result.verdict.value}
        ElementTree.SubElement(case, state, attributes).text = _numbers(result)
    lines = [f"{result.verdict.value}, {expectation(result)}", result.sentence, where(info), *notes(info, result)]
    ElementTree.SubElement(case, "system-out").text = "\n".join(visible(line) for line in lines)


def _numbers(result: ScenarioResult) -> str:
    lines = [
        f"reason: {result.reason}",
        *(f"budget: {spent_words(one)}" for one in result.budget),
        f"{result.words.plural} dropping: {dropping_of(result)}",
        f"failed: {count(result.failed)} of {things(result.requests, 'request')}",
        f"outcomes: {listed(result.by_outcome)}",
        f"causes: {listed(result.causes)}",
    ]
    return "\n".join(visible(line) for line in lines)
