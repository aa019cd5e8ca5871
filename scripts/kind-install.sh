#!/bin/sh
# Install the pinned kind, which its node images' digests go with, unless it is there: scripts/kind-install.sh
# Into a folder of RUNNER_TEMP that later steps have in their PATH, else into /usr/local/bin. The sums are those that
# kind publishes beside its programs (kind-linux-ARCH.sha256sum of the release).
set -eu

version=v0.33.0
case "$(uname -s)/$(uname -m)" in
Linux/x86_64) arch=amd64 sum=aee6151561422756b764a4ae28e7f44cda5af5a9eead3cc9985112b1de8d8e0d ;;
Linux/aarch64 | Linux/arm64) arch=arm64 sum=20022bee6cfcd5086cb7234d218e3454e6090022f2a8f55d1fa7fcf42c3867a2 ;;
*)
    echo "kind-install: no sum is known here for kind on $(uname -s)/$(uname -m); see https://kind.sigs.k8s.io" >&2
    exit 2
    ;;
esac
case "$(kind version 2>/dev/null || true)" in "kind $version "*) exit 0 ;; esac

into=${RUNNER_TEMP:+$RUNNER_TEMP/kind}
into=${into:-/usr/local/bin}
mkdir -p "$into"
curl -fsSL --retry 3 -o "$into/kind.new" "https://github.com/kubernetes-sigs/kind/releases/download/$version/kind-linux-$arch"
if ! echo "$sum  $into/kind.new" | sha256sum --check --quiet; then
    rm -f "$into/kind.new"
    echo "kind-install: what was downloaded as kind $version is another file than its release has; nothing was installed" >&2
    exit 1
fi
chmod +x "$into/kind.new"
mv "$into/kind.new" "$into/kind"
[ -z "${GITHUB_PATH:-}" ] || echo "$into" >>"$GITHUB_PATH"
