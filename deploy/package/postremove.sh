#!/bin/sh
# Runs when the files of a package are gone. dpkg says "remove", and "purge" when the configuration
# goes, too; rpm says 0 when no version is left. Accounts are not a package's to delete.
set -e

case "$1" in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl daemon-reload || true
	fi
	;;
esac
case "$1" in
purge | 0)
	if [ -d /var/lib/monarch ]; then
		echo "monarch: the accounts are still in /var/lib/monarch, which belongs to the user monarch"
	fi
	;;
esac
