#!/bin/sh
# Runs before the files of a package go. dpkg says "remove", rpm 0; in an upgrade the server goes on
# until the new version restarts it.
set -e

case "$1" in
remove | 0) ;;
*) exit 0 ;;
esac

if [ -d /run/systemd/system ]; then
	systemctl stop monarch.service 'monarch@*.service' || true
fi
if command -v systemctl >/dev/null; then
	systemctl --no-reload disable monarch.service >/dev/null 2>&1 || true
	for link in /etc/systemd/system/multi-user.target.wants/monarch@*.service; do
		[ ! -L "$link" ] || systemctl --no-reload disable "${link##*/}" >/dev/null 2>&1 || true
	done
fi
