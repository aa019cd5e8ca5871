#!/usr/bin/env bash
# Run `rollout-harness run` for the action (action.yml), with what its inputs say in variables: EXPERIMENT or MANIFESTS,
# TARGET, SERVICE, STAND_IN, CLUSTER, NODE_IMAGE, BUDGET, ARGUMENTS and REPORTS. Ends with 0 whatever the verdict: a later step
# fails the job, when the reports are safe. The exit code, the verdict and the folder become the step's outputs.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
output=${GITHUB_OUTPUT:-/dev/stdout}
log=${RUNNER_TEMP:-/tmp}/rollout-harness.log
given=/dev/null
: >"$log"

refused() { # what was tried, what was seen, what to do
  echo "error: $1: $2. $3" | tee -a "$log" >&2
  code=2
}

as_root=()
# AppArmor keeps ordinary users of Ubuntu from making namespaces (kernel.apparmor_restrict_unprivileged_userns=1), and
# runners have sudo. Where there is none, the sandbox is tried rootless, and says what it lacks.
if [[ ${CLUSTER:-} == sandbox && $(id -u) != 0 ]] && sudo -n true 2>/dev/null; then as_root=(sudo -n); fi

arguments=(run)
code=0
if [[ -n ${EXPERIMENT:-} && -n ${MANIFESTS:-} ]]; then
  refused "reading the inputs" "both experiment and manifests are given" "An experiment names its manifests itself: leave one out."
elif [[ -n ${EXPERIMENT:-} ]]; then
  arguments+=("$EXPERIMENT")
elif [[ -n ${MANIFESTS:-} ]]; then
  given=${RUNNER_TEMP:-/tmp}/rollout-harness-manifests.yaml
  : >"$given"
  shopt -s nullglob
  shopt -s globstar 2>/dev/null || true # macOS' own bash has no `**`
  while IFS= read -r pattern; do
    pattern=${pattern#"${pattern%%[![:space:]]*}"}
    [[ -n $pattern ]] || continue
    # A file's name may have spaces: a pattern is one word.
    # shellcheck disable=SC2206
    IFS='' files=($pattern)
    taken=0
    for file in ${files[@]+"${files[@]}"}; do
      [[ -f $file ]] || continue # `**` is the folders too
      taken=1
      echo --- >>"$given"
      if ! said=$(cat -- "$file" 2>&1 >>"$given"); then
        refused "reading the manifests $pattern" "${said:-$file cannot be read}" "May $(id -un) read it?"
      fi
      echo >>"$given"
    done
    if [[ $taken == 0 ]]; then
      refused "reading the manifests $pattern" "no file in $PWD matches" "Is there a checkout step before this one?"
      break
    fi
  done <<<"$MANIFESTS"
  arguments+=(-)
else
  refused "reading the inputs" "neither experiment nor manifests is given" "Give one of them."
fi
option() { [[ -z $2 ]] || arguments+=("$1" "$2"); }
option --target "${TARGET:-}"
option --service "${SERVICE:-}"
option --stand-in "${STAND_IN:-}"
option --cluster "${CLUSTER:-}"
while IFS= read -r line; do option --budget "$line"; done <<<"${BUDGET:-}"
while IFS= read -r line; do [[ -z $line ]] || arguments+=("$line"); done <<<"${ARGUMENTS:-}"
arguments+=(--yes --out "$REPORTS")

if [[ $code == 0 && ${CLUSTER:-} == kind && -n ${NODE_IMAGE:-} && -n ${EXPERIMENT:-} ]]; then
  # What is wrong with the experiment is for the run to say.
  name=$("$here/.venv/bin/python" - "$EXPERIMENT" 2>/dev/null <<'PYTHON'
import sys
from ruamel.yaml import YAML
with open(sys.argv[1], encoding="utf-8") as file:
    print(YAML(typ="safe", pure=True).load(file)["cluster"]["kind"]["name"])
PYTHON
  ) || name=rollout-harness
  [[ $name == rollout-harness || ! $name =~ ^[a-z0-9.-]+$ ]] ||
    echo "::warning title=rollout-harness::The experiment asks for kind cluster $name: the one with node-image $NODE_IMAGE, rollout-harness, is not used. Leave out its name, or node-image."
fi

if [[ $code == 0 ]]; then
  # What an application says must not be taken for a command to the runner.
  token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  [[ -z ${GITHUB_ACTIONS:-} ]] || echo "::stop-commands::$token"
  ${as_root[@]+"${as_root[@]}"} "$here/.venv/bin/rollout-harness" "${arguments[@]}" <"$given" 2>&1 | tee -a "$log" ||
    code=${PIPESTATUS[0]}
  [[ -z ${GITHUB_ACTIONS:-} ]] || echo "::$token::"
  if [[ ${#as_root[@]} != 0 && -e $REPORTS ]]; then sudo -n chown -R "$(id -u):$(id -g)" "$REPORTS"; fi
fi

mkdir -p "$REPORTS"
cp "$log" "$REPORTS/output.txt"
# The worst of the scenarios' verdicts; none where nothing was judged.
verdict=""
if [[ -f $REPORTS/result.json ]]; then
  verdict=$("$here/.venv/bin/python" - "$REPORTS/result.json" <<'PYTHON'
import json, sys
with open(sys.argv[1], encoding="utf-8") as file:
    found = [scenario.get("verdict") for scenario in json.load(file).get("scenarios", [])]
print(next((each for each in ("dropping", "inconclusive", "seamless") if each in found), ""))
PYTHON
  ) || verdict=""
fi
{
  echo "exit-code=$code"
  echo "verdict=$verdict"
  echo "reports=$REPORTS"
} >>"$output"
