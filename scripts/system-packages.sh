#!/bin/sh
# Install Debian packages that are missing, without starting any service that they bring.
# Usage: scripts/system-packages.sh PACKAGE...
# Rights: root, else `sudo -n`, else it prints the one line to run and ends with 2.
set -eu

if [ "$(uname -s)" != Linux ]; then
    echo "The embedded sandbox needs Linux. With Docker here: rollout-harness demo --cluster kind" >&2
    exit 2
fi
missing=""
for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "Missing:$missing. This is no Debian or Ubuntu: install what corresponds to these with your package manager." >&2
    exit 2
fi
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    echo "Missing:$missing. Please run: sudo apt-get install -y --no-install-recommends$missing" >&2
    exit 2
fi

# nginx's package would start a server on port 80. policy-rc.d keeps it from that, for this one call.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap '$as_root rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
fi
echo "Installing$missing"
$as_root apt-get update -qq
# shellcheck disable=SC2086 # one word a package
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
# On Debian some packages also enable their service for the next boot.
for service in nginx-light:nginx lighttpd:lighttpd haproxy:haproxy; do
    case " $missing " in
    *" ${service%:*} "*) $as_root systemctl disable --quiet "${service#*:}.service" 2>/dev/null || true ;;
    esac
done
