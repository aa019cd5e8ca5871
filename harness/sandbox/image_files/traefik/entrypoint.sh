#!/bin/sh
# A flag or a command of traefik's own (`version`, `healthcheck`) goes to traefik; anything else is a program to run.
set -e
case "$1" in
-* | version | healthcheck) set -- traefik "$@" ;;
esac
exec "$@"
