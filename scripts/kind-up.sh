#!/bin/sh
# A kind cluster ready for the harness, in the configuration that `rollout-harness run --cluster kind` makes too.
# Needs kind, kubectl, and Docker or Podman; no Python. Changes nothing else on the machine.
set -euf

usage() {
    cat <<'END'
Usage: scripts/kind-up.sh [OPTION VALUE | OPTION=VALUE]...
Makes a kind cluster ready for the harness, or makes the one that is there ready: idempotent.

  --name NAME             of the cluster (default: rollout-harness)
  --nodes N               1 to 10; the first is the control plane (default: 1)
  --node-image IMAGE      kindest/node:... (default: kind's own)
  --proxy-mode MODE       iptables, ipvs, nftables, or none: another data plane is installed after it (default: iptables)
  --min-sync-period TIME  kube-proxy's, such as 500ms, 1s or 10s; 30s at most (default: 1s)
  --kubeconfig FILE       where the context goes (default: as for kubectl)
  --images "IMAGE ..."    images to preload on the nodes: from this machine, else pulled by the node
                          (default: the demo's, nginx:1.28.0 and nginx:1.29.1; "": none)
  --down                  remove the cluster, unless a run uses it
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
action=up given=

while [ $# -gt 0 ]; do
    option=$1
    shift
    case ${option%%=*} in
    --name | --nodes | --node-image | --proxy-mode | --min-sync-period | --kubeconfig | --images) ;;
    --down | --print-config | --help | -h) [ "$option" = "${option%%=*}" ] || fail "${option%%=*} takes no value" ;;
    *) fail "there is no option ${option%%=*}; $0 --help lists those there are" ;;
    esac
    case $option in
    --help | -h) usage && exit 0 ;;
    --down) action=down && continue ;;
    --print-config) action=print && continue ;;
    --*=*) value=${option#*=} option=${option%%=*} ;;
    *)
        [ $# -gt 0 ] || fail "$option needs a value; $0 --help says which"
        value=$1
        shift
        ;;
    esac
    given="$given $option"
    case $option in
    --name) name=$value ;;
    --nodes) nodes=$value asked="$asked nodes" ;;
    --node-image) node_image=$value ;;
    --proxy-mode) mode=$value asked="$asked mode" ;;
    --min-sync-period) period=$value asked="$asked period" ;;
    --kubeconfig) KUBECONFIG=$value && export KUBECONFIG ;;
    --images) images=$value ;;
    esac
done

# OPTION VARIABLE VALUE WHY: what cannot be used; a variable such as NAME may be set for something else.
refuse() {
    case "$given " in
    *" $1 "*) fail "$1 $3: $4" ;;
    *) fail "$2=$3 (from the environment): $4; $1 goes before it" ;;
    esac
}
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
matches "$name" '[a-z0-9]([a-z0-9.-]{0,48}[a-z0-9])?' ||
    refuse --name NAME "$name" "small letters, digits, . and - are allowed, 50 at most"
usable() {
    matches "$nodes" '[1-9]|10' || refuse --nodes NODES "$nodes" "give 1 to 10"
    matches "$mode" 'iptables|ipvs|nftables|none' ||
        refuse --proxy-mode PROXY_MODE "$mode" "give iptables, ipvs, nftables or none"
    matches "$period" '([0-9]+(\.[0-9]+)?(ms|s|m|h))+' ||
        refuse --min-sync-period MIN_SYNC_PERIOD "$period" "give a duration such as 500ms, 1s or 10s"
    seconds "$period" | awk '{ exit !($1 > 0 && $1 <= 30) }' ||
        refuse --min-sync-period MIN_SYNC_PERIOD "$period" "it must be greater than 0 and at most 30s, kube-proxy's own syncPeriod"
    case "$mode $asked" in none*period*) fail "--min-sync-period means nothing without kube-proxy (--proxy-mode none)" ;; esac
    images=$(printf '%s\n' "$images" | tr ',' ' ')
    image='[A-Za-z0-9][A-Za-z0-9._/:@-]*'
    [ -z "$node_image" ] || matches "$node_image" "$image" ||
        refuse --node-image NODE_IMAGE "$node_image" "it is no name of an image"
    matches "$images" "( *$image)* *" ||
        refuse --images IMAGES "$images" "names of images are missing, with spaces between them"
}
[ "$action" = down ] || usable

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

case "$given " in
*" --name "*) ;;
*) [ -z "${NAME:-}" ] || say "NAME=$NAME (from the environment) is the cluster's name; --name goes before it" ;;
esac

scratch=$(mktemp -d "${TMPDIR:-/tmp}/kind-up.XXXXXX") || fail "no folder can be made in ${TMPDIR:-/tmp}"
making=
telling=
# Whether kind found nodes of that name before it made any (alreadyExists, pkg/cluster/internal/create/create.go of
# kind): they are somebody else's.
foreign() {
    exec 6>&- # else tee waits for more
    wait "$telling" || true
    grep -Fq 'already exist for a cluster with the name' "$scratch/told"
}
ended() {
    status=$?
    trap '' INT TERM HUP
    if [ -n "$making" ] && kill "$making" 2>/dev/null; then wait "$making" || true; fi
    if [ -n "$making" ] && ! foreign; then
        say "not finished: removing what there is of cluster $name"
        # What kind had asked for may still be coming when it is ended itself.
        for _ in 1 2 3; do
            kind delete cluster --name "$name" >&2 9>&- || break
            [ -n "$(kind get nodes --name "$name" 2>/dev/null 9>&-)" ] || break
        done
        [ -z "$(kind get nodes --name "$name" 2>/dev/null 9>&-)" ] || say "remove it: kind delete cluster --name $name"
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
said=$(kind version 2>&1) || fail "kind version: $(echo "$said" | tail -n 1)"
echo "$said" | awk -F '[ v.]+' '{ exit !($2 > 0 || $3 >= 27) }' ||
    fail "$said is too old, v0.27.0 or newer is needed: https://kind.sigs.k8s.io/docs/user/quick-start/#installation"

# One at a time: kind removes the nodes of a name when making them fails, whoever made them. Neither kind nor
# the engine gets the lock (9>&-): some of Podman's programs stay, conmon with every node, and would hold it.
locks=${TMPDIR:-/tmp}/rollout-harness-$(id -u)/kind
if ! { mkdir -p "$locks" && chmod 700 "${locks%/kind}"; } 2>"$scratch/said"; then
    fail "the lock of cluster $name cannot be had ($(tail -n 1 "$scratch/said")): remove ${locks%/kind}, or set TMPDIR"
fi
if command -v flock >/dev/null; then
    exec 9>"$locks/$name.making"
    flock -n 9 || {
        say "another process is making or removing cluster $name; waiting for it"
        flock 9
    }
fi

if [ "$action" = down ]; then
    if command -v flock >/dev/null && ! flock -n "$locks/$name.users" true; then
        fail "a run uses cluster $name: end it first, or remove the cluster under it: kind delete cluster --name $name"
    fi
    kind delete cluster --name "$name" 9>&- || fail "cluster $name was not removed; kind says why above"
    rm -f "$locks/$name.made"
    exit 0
fi
kind get clusters >"$scratch/clusters" 2>"$scratch/said" 9>&- || fail "$(tail -n 1 "$scratch/said")"
if grep -Fqx -- "$name" "$scratch/clusters"; then
    kind export kubeconfig --name "$name" 2>"$scratch/said" 9>&- ||
        fail "cluster $name is there, and has no kubeconfig ($(grep -v '^$' "$scratch/said" | tail -n 1)): it is half made or stopped; remove it: scripts/kind-up.sh --name $name --down"
    say "cluster $name is there already (scripts/kind-up.sh --name $name --down removes it)"
else
    mkfifo "$scratch/telling" || fail "no named pipe can be made in $scratch: set TMPDIR"
    # Both ends are open before they are given away, so that neither program waits for the other one to come.
    exec 8<>"$scratch/telling"
    exec 7<"$scratch/telling"
    exec 6>"$scratch/telling" 8>&-
    tee "$scratch/told" <&7 >&2 6>&- 7<&- 9>&- &
    telling=$!
    configuration | kind create cluster --name "$name" --config - --wait 180s 2>&6 6>&- 7<&- 9>&- &
    making=$! # in the background: a signal is heard at once
    exec 6>&- 7<&-
    wait "$making" || {
        if foreign; then fail "somebody else has just made cluster $name, which stays: run this again, and it is used"; fi
        fail "cluster $name was not made; kind says why above, see also https://kind.sigs.k8s.io/docs/user/known-issues"
    }
fi
kubectl="kubectl --context kind-$name"

$kubectl wait --for=condition=Ready nodes --all --timeout=180s >&2 || {
    conditions='{range .items[*]}{.metadata.name}: {range .status.conditions[?(@.type=="Ready")]}Ready={.status} {.reason}: {.message}{end}{"\n"}{end}'
    $kubectl get nodes -o "jsonpath=$conditions" >&2 || true
    fail "not all nodes of cluster $name are Ready after 180s; the last that was seen of them stands above"
}
# kube-proxy's configuration is there before it runs; a cluster that is there may have none, whatever the option says.
config=$($kubectl -n kube-system get configmap kube-proxy --ignore-not-found -o 'jsonpath={.data.config\.conf}') ||
    fail "the configuration of kube-proxy in cluster $name cannot be read; kubectl says why above"
found_mode=$(echo "$config" | sed -n 's/^mode: *"*\([a-z]*\)"*$/\1/p')
if [ -z "$config" ]; then found_mode=none; elif [ -z "$found_mode" ]; then found_mode=iptables; fi
if [ "$found_mode" != none ] || { [ -n "$making" ] && [ "$mode" != none ]; }; then
    $kubectl -n kube-system rollout status daemonset/kube-proxy --timeout=120s >&2 ||
        fail "kube-proxy does not run on all nodes of cluster $name: $kubectl -n kube-system logs daemonset/kube-proxy"
fi
making=
rm -f "$locks/$name.made" # from now on no run removes it
# A cluster that is there may be another than the one that was asked for.
$kubectl get nodes -o name >"$scratch/nodes" || fail "the nodes of cluster $name cannot be read; kubectl says why above"
found_nodes=$(wc -l <"$scratch/nodes" | tr -d ' ')
found_period=$(echo "$config" | sed -n "/^$found_mode:/,/^[^ ]/s/^  minSyncPeriod: *//p")
# What kube-proxy takes where its configuration says 0 or nothing; of ipvs 0 stays 0 (SetDefaults_KubeProxyConfiguration,
# pkg/proxy/apis/config/v1alpha1/defaults.go of Kubernetes).
case "$found_mode $(seconds "$found_period")" in "iptables 0" | "nftables 0") found_period=1s ;; esac
differs() { fail "cluster $name is there and has $1, not $2: remove it (scripts/kind-up.sh --name $name --down), or give another --name"; }
case $asked in *nodes*) [ "$found_nodes" = "$nodes" ] || differs "$found_nodes $([ "$found_nodes" = 1 ] && echo node || echo nodes)" "$nodes" ;; esac
case $asked in *mode*) [ "$found_mode" = "$mode" ] || differs "proxy mode $found_mode" "$mode" ;; esac
case "$found_mode $asked" in none*period*) differs "no kube-proxy" "minSyncPeriod $period" ;; esac
case $asked in *period*) [ "$(seconds "$found_period")" = "$(seconds "$period")" ] || differs "minSyncPeriod $found_period" "$period" ;; esac

# A pull in the middle of a rollout would be measured as part of it. Docker's containerd store has multi-platform images
# in part only, which are saved by their platform (API 1.48 and newer can); kind load docker-image fails on them.
platform=
if [ "$engine" = docker ]; then
    # The client's version is the one that it and the server agree on, and DOCKER_API_VERSION where that is set.
    docker version --format '{{.Client.APIVersion}} {{.Server.Os}}/{{.Server.Arch}}' >"$scratch/said" 9>&- ||
        fail "docker does not tell its version; cluster $name is up without images"
    platform=$(awk '{ split($1, api, "."); if (api[1] > 1 || api[2] >= 48) print $2 }' "$scratch/said")
fi
nodes_there=$(kind get nodes --name "$name" 9>&-) || fail "kind does not tell the nodes of cluster $name, which is up without images"
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
        # By standard output: a Docker from snap has a /tmp of its own.
        "$engine" image save ${platform:+--platform "$platform"} "$image" >"$scratch/image" ||
            fail "image $image cannot be saved; cluster $name is up without it"
        kind load image-archive "$scratch/image" --name "$name" ||
            fail "image $image cannot be put on the nodes of cluster $name, which is up without it"
        rm -f "$scratch/image"
        on_all_nodes id || fail "image $image is not on node $node under this name; with Podman, give its full name"
    fi
done 9>&-
[ "$found_mode" != none ] || say "no kube-proxy: install another data plane before a run, such as Cilium with kubeProxyReplacement"
if [ "$name" = rollout-harness ]; then
    say "ready. rollout-harness run fixtures/experiments/demo.yaml --cluster kind"
else
    say "ready. rollout-harness run EXPERIMENT, where that has cluster: {kind: {name: $name}}"
fi
