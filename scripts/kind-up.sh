#!/bin/sh
# A kind cluster ready for the harness: kube-proxy with a known minSyncPeriod, the demo's images on its nodes.
# Usage: scripts/kind-up.sh [NAME]        (default: rollout-harness)
#   MIN_SYNC_PERIOD=1s  kube-proxy's minSyncPeriod
#   PROXY_MODE=iptables iptables or nftables
#   WORKERS=0           worker nodes beside the control plane
#   WORKER_IMAGE=       an image of your own for the load worker, that the nodes shall have
# Then: rollout-harness run EXPERIMENT --cluster kind        (builds the full image of the load worker, and puts it there)
set -eu

name=${1:-rollout-harness}
mode=${PROXY_MODE:-iptables}
for program in docker kind kubectl; do
    command -v "$program" >/dev/null || { echo "kind-up: $program is not installed" >&2; exit 2; }
done
docker info >/dev/null 2>&1 || { echo "kind-up: Docker does not answer; is it running, and may this user reach it?" >&2; exit 2; }
if kind get clusters 2>/dev/null | grep -qx "$name"; then
    echo "kind-up: cluster $name is there already (kind delete cluster --name $name takes it down)"
else
    {
        cat <<EOF
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
networking:
  kubeProxyMode: $mode
kubeadmConfigPatches:
  - |
    kind: KubeProxyConfiguration
    $mode:
      minSyncPeriod: ${MIN_SYNC_PERIOD:-1s}
nodes:
  - role: control-plane
EOF
        i=0
        while [ "$i" -lt "${WORKERS:-0}" ]; do
            echo "  - role: worker"
            i=$((i + 1))
        done
    } | kind create cluster --name "$name" --config - --wait 180s
fi
# A pull in the middle of a rollout would be measured as part of it.
for image in nginx:1.28.0 nginx:1.29.1 ${WORKER_IMAGE:-}; do
    docker image inspect "$image" >/dev/null 2>&1 || docker pull -q "$image"
    kind load docker-image "$image" --name "$name"
done
kubectl --context "kind-$name" wait --for=condition=Ready nodes --all --timeout=120s
echo "kind-up: ready. rollout-harness run fixtures/experiments/demo.yaml --cluster kind${WORKER_IMAGE:+ --worker-image $WORKER_IMAGE}"
