#!/bin/sh
# A kind cluster ready for the harness, in the configuration that `rollout-harness run --cluster kind` makes too.
# Needs kind, kubectl, and Docker or Podman; no Python. Changes nothing else on the machine.
set -euf

usage() {
    cat <<'END'
Usage: scripts/kind-up.sh [OPTION VALUE | OPTION=VALUE]...
Makes a kind cluster ready for the harness, or makes the one that is there ready; may be run again and again.

  --name NAME             of the cluster (default: rollout-harness)
  --nodes N               1 to 10; the first is the control plane (default: 1)
  --node-image IMAGE      kindest/node:... (default: kind's own)
  --proxy-mode MODE       iptables, ipvs, nftables, or none: another data plane is installed after it (default: iptables)
  --min-sync-period TIME  kube-proxy's, such as 500ms, 1s or 10s; 30s at most (default: 1s)
  --kubeconfig FILE       where the context goes (default: as for kubectl)
  --images "IMAGE ..."    what the nodes shall have: from this machine, else pulled by the node
                          (default: the demo's, nginx:1.28.0 and nginx:1.29.1; "": none)
  --down                  remove the cluster
  --print-config          print the configuration for kind, and make nothing
  --help                  this

Each is also read from an environment variable: NAME, NODES, NODE_IMAGE, PROXY_MODE, MIN_SYNC_PERIOD, KUBECONFIG, IMAGES.
Then: rollout-harness run EXPERIMENT --cluster kind
Exit codes: 0 the cluster is ready (or gone), 2 it is not, and standard error says why.
END
}

say() { echo "kind-up: $*" >&2; }
fail() {
    say "$*"
    exit 2
}

name=${NAME:-rollout-harness} nodes=${NODES:-1} node_image=${NODE_IMAGE:-}
mode=${PROXY_MODE:-iptables} period=${MIN_SYNC_PERIOD:-1s} images=${IMAGES-nginx:1.28.0 nginx:1.29.1}
# What was asked for must hold of a cluster that is there already, too; what was not, need not.
asked=${NODES:+nodes}${PROXY_MODE:+ mode}${MIN_SYNC_PERIOD:+ period}
action=up

while [ $# -gt 0 ]; do
    option=$1
    shift
    case $option in
    --help | -h) usage && exit 0 ;;
    --down) action=down && continue ;;
    --print-config) action=print && continue ;;
    --*=*) value=${option#*=} option=${option%%=*} ;;
    --*)
        [ $# -gt 0 ] || fail "$option needs a value (--help)"
        value=$1
        shift
        ;;
    *) fail "$option is no option (--help)" ;;
    esac
    case $option in
    --name) name=$value ;;
    --nodes) nodes=$value asked="$asked nodes" ;;
    --node-image) node_image=$value ;;
    --proxy-mode) mode=$value asked="$asked mode" ;;
    --min-sync-period) period=$value asked="$asked period" ;;
    --kubeconfig) KUBECONFIG=$value && export KUBECONFIG ;;
    --images) images=$value ;;
    *) fail "$option is no option (--help)" ;;
    esac
done

matches() { [ "$(printf '%s\n' "$1" | wc -l)" -eq 1 ] && printf '%s\n' "$1" | grep -Eqx -- "$2"; }
# Seconds of a duration such as 1m30s or 500ms.
seconds() {
    printf '%s\n' "$1" | awk '{
        while (match($0, /^[0-9]+(\.[0-9]+)?(ms|s|m|h)/)) {
            part = substr($0, 1, RLENGTH); $0 = substr($0, RLENGTH + 1); unit = part; gsub(/[0-9.]/, "", unit)
            total += part * (unit == "ms" ? 0.001 : unit == "s" ? 1 : unit == "m" ? 60 : 3600)
        }
        print total + 0
    }'
}
matches "$name" '[a-z0-9]([a-z0-9.-]{0,48}[a-z0-9])?' || fail "--name $name: small letters, digits, . and - are allowed, 50 at most"
matches "$nodes" '[1-9]|10' || fail "--nodes $nodes: give 1 to 10"
matches "$mode" 'iptables|ipvs|nftables|none' || fail "--proxy-mode $mode: give iptables, ipvs, nftables or none"
matches "$period" '([0-9]+(\.[0-9]+)?(ms|s|m|h))+' || fail "--min-sync-period $period: give a duration such as 500ms, 1s or 10s"
seconds "$period" | awk '{ exit !($1 > 0 && $1 <= 30) }' ||
    fail "--min-sync-period $period: it must be greater than 0 and at most 30s, kube-proxy's own syncPeriod"
case "$mode $asked" in none*period*) fail "--min-sync-period means nothing without kube-proxy (--proxy-mode none)" ;; esac
images=$(printf '%s\n' "$images" | tr ',' ' ')
image='[A-Za-z0-9][A-Za-z0-9._/:@-]*'
[ -z "$node_image" ] || matches "$node_image" "$image" || fail "--node-image $node_image is no name of an image"
matches "$images" "( *$image)* *" || fail "--images $images: names of images are missing, with spaces between them"

# harness/clusters/kind_configuration.py writes the same.
configuration() {
    echo "kind: Cluster"
    echo "apiVersion: kind.x-k8s.io/v1alpha4"
    echo "networking:"
    echo "  kubeProxyMode: $mode"
    if [ "$mode" != none ]; then
        echo "kubeadmConfigPatches:"
        echo "  - |"
        echo "    kind: KubeProxyConfiguration"
        echo "    $mode:"
        echo "      minSyncPeriod: $period"
    fi
    echo "nodes:"
    role=control-plane made=0
    while [ "$made" -lt "$nodes" ]; do
        echo "  - role: $role"
        [ -z "$node_image" ] || echo "    image: $node_image"
        role=worker made=$((made + 1))
    done
}
if [ "$action" = print ]; then
    configuration
    exit 0
fi

scratch=$(mktemp -d "${TMPDIR:-/tmp}/kind-up.XXXXXX")
making=
ended() {
    status=$?
    trap '' INT TERM HUP
    if [ -n "$making" ]; then
        say "not finished: removing what there is of cluster $name"
        if kill "$making" 2>/dev/null; then wait "$making" || true; fi
        # What kind had asked for may still be coming when it is ended itself.
        for _ in 1 2 3; do
            kind delete cluster --name "$name" >&2 || break
            [ -n "$(kind get nodes --name "$name" 2>/dev/null)" ] || break
        done
        [ -z "$(kind get nodes --name "$name" 2>/dev/null)" ] || say "remove it: kind delete cluster --name $name"
    fi
    rm -rf "$scratch"
    exit "$status"
}
trap ended EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Which program runs the nodes: kind's own choice (pkg/cluster/provider.go, pkg/internal/runtime/runtime.go).
engine=docker
case ${KIND_EXPERIMENTAL_PROVIDER:-} in
docker | podman | nerdctl | finch | nerdctl.lima) engine=$KIND_EXPERIMENTAL_PROVIDER ;;
*)
    for each in docker nerdctl finch podman; do
        said=$("$each" -v 2>/dev/null) || continue
        case $said in "Docker version"* | "nerdctl version"* | "finch version"* | "podman version"*) ;; *) continue ;; esac
        case $said in [Dd]"${each#?}"* | "$each"*) engine=$each && break ;; esac
    done
    ;;
esac
command -v "$engine" >/dev/null ||
    fail "neither Docker nor Podman is installed ($engine): https://docs.docker.com/engine/install or https://podman.io"
command -v kind >/dev/null || fail "kind is not installed: https://kind.sigs.k8s.io/docs/user/quick-start/#installation"
[ "$action" = down ] || command -v kubectl >/dev/null || fail "kubectl is not installed: https://kubernetes.io/docs/tasks/tools"
"$engine" info >/dev/null 2>"$scratch/said" ||
    fail "$engine does not answer ($(tail -n 1 "$scratch/said")): is it running, and may this user reach it?"
# 0.27 is the first that reads the configuration of containerd 2, and so loads images into today's nodes.
said=$(kind version)
echo "$said" | awk -F '[ v.]+' '{ exit !($2 > 0 || $3 >= 27) }' ||
    fail "$said is too old, v0.27.0 or newer is needed: https://kind.sigs.k8s.io/docs/user/quick-start/#installation"

# One at a time: kind removes the nodes of a name when making them fails, whoever made them.
locks=${TMPDIR:-/tmp}/rollout-harness-$(id -u)/kind
mkdir -p "$locks" && chmod 700 "${locks%/kind}"
if command -v flock >/dev/null; then
    exec 9>"$locks/$name.making"
    flock -n 9 || {
        say "another process is making or removing cluster $name; waiting for it"
        flock 9
    }
fi

if [ "$action" = down ]; then
    kind delete cluster --name "$name"
    rm -f "$locks/$name.made"
    exit 0
fi
kind get clusters >"$scratch/clusters" 2>"$scratch/said" || fail "$(tail -n 1 "$scratch/said")"
if grep -Fqx -- "$name" "$scratch/clusters"; then
    kind export kubeconfig --name "$name" 2>"$scratch/said" ||
        fail "cluster $name is there, and has no kubeconfig ($(grep -v '^$' "$scratch/said" | tail -n 1)): it is half made or stopped; remove it: scripts/kind-up.sh --name $name --down"
    say "cluster $name is there already (scripts/kind-up.sh --name $name --down removes it)"
else
    configuration | kind create cluster --name "$name" --config - --wait 180s &
    making=$! # in the background: a signal is heard at once
    wait "$making" ||
        fail "cluster $name was not made; kind says why above, see also https://kind.sigs.k8s.io/docs/user/known-issues"
fi
kubectl="kubectl --context kind-$name"

$kubectl wait --for=condition=Ready nodes --all --timeout=180s >&2 || {
    conditions='{range .items[*]}{.metadata.name}: {range .status.conditions[?(@.type=="Ready")]}Ready={.status} {.reason}: {.message}{end}{"\n"}{end}'
    $kubectl get nodes -o "jsonpath=$conditions" >&2 || true
    fail "not all nodes of cluster $name are Ready after 180s; the last that was seen of them stands above"
}
if [ "$mode" != none ]; then
    $kubectl -n kube-system rollout status daemonset/kube-proxy --timeout=120s >&2 ||
        fail "kube-proxy does not run on all nodes of cluster $name: $kubectl -n kube-system logs daemonset/kube-proxy"
fi
making=
rm -f "$locks/$name.made" # from now on no run removes it
# A cluster that is there may be another than the one that was asked for.
found_nodes=$($kubectl get nodes -o name | grep -c .)
config=$($kubectl -n kube-system get configmap kube-proxy --ignore-not-found -o 'jsonpath={.data.config\.conf}')
found_mode=$(echo "$config" | sed -n 's/^mode: *"*\([a-z]*\)"*$/\1/p')
if [ -z "$config" ]; then found_mode=none; elif [ -z "$found_mode" ]; then found_mode=iptables; fi
found_period=$(echo "$config" | sed -n "/^$found_mode:/,/^[^ ]/s/^  minSyncPeriod: *//p")
differs() { fail "cluster $name is there and has $1, not $2: remove it (scripts/kind-up.sh --name $name --down), or give another --name"; }
case $asked in *nodes*) [ "$found_nodes" = "$nodes" ] || differs "$found_nodes nodes" "$nodes" ;; esac
case $asked in *mode*) [ "$found_mode" = "$mode" ] || differs "proxy mode $found_mode" "$mode" ;; esac
case $asked in *period*) [ "$(seconds "$found_period")" = "$(seconds "$period")" ] || differs "minSyncPeriod $found_period" "$period" ;; esac

# A pull in the middle of a rollout would be measured as part of it. Docker's containerd store has multi-platform images
# in part only, which are saved by their platform (API 1.48 and newer can); kind load docker-image fails on them.
platform=
if [ "$engine" = docker ]; then
    docker version --format '{{.Server.APIVersion}} {{.Server.Os}}/{{.Server.Arch}}' >"$scratch/said"
    platform=$(awk '{ split($1, api, "."); if (api[1] > 1 || api[2] >= 48) print $2 }' "$scratch/said")
fi
nodes_there=$(kind get nodes --name "$name")
on_all_nodes() {
    for node in $nodes_there; do
        "$engine" exec --privileged "$node" crictl inspecti "$image" 2>/dev/null | grep -Fq "\"$1\"" || return 1
    done
}
for image in $images; do
    id=$("$engine" image inspect -f '{{ .Id }}' "$image" 2>/dev/null) || id=
    case $image in *@*) id= ;; esac # an archive of an image that is named by its digest has no name
    if [ -z "$id" ]; then
        for node in $nodes_there; do
            "$engine" exec --privileged "$node" crictl pull "$image" >&2 ||
                fail "image $image is not on this machine, and node $node cannot pull it; cluster $name is up without it"
        done
    elif ! on_all_nodes "sha256:${id#sha256:}"; then
        "$engine" image save ${platform:+--platform "$platform"} -o "$scratch/image" "$image" ||
            fail "image $image cannot be saved; cluster $name is up without it"
        kind load image-archive "$scratch/image" --name "$name" ||
            fail "image $image cannot be put on the nodes of cluster $name, which is up without it"
        rm -f "$scratch/image"
        on_all_nodes id || fail "image $image is not on node $node under this name; with Podman, give its full name"
    fi
done
[ "$mode" != none ] || say "no kube-proxy: install another data plane before a run, such as Cilium with kubeProxyReplacement"
say "ready. rollout-harness run fixtures/experiments/demo.yaml --cluster kind"
