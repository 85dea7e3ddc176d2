#!/bin/sh
# Runs when the files of a package are in their places. dpkg says "configure" and which version was
# there before, if any; rpm says how many versions of the package there are now.
set -e

first=no
case "$1" in
configure) [ -n "$2" ] || first=yes ;;
1) first=yes ;;
2) ;;
*) exit 0 ;; # dpkg takes something back, of which nothing was done yet
esac

# The user, from /usr/lib/sysusers.d/monarch.conf where systemd is.
if command -v systemd-sysusers >/dev/null; then
	systemd-sysusers monarch.conf
fi
if ! getent passwd monarch >/dev/null; then
	getent group monarch >/dev/null || groupadd --system monarch
	useradd --system --gid monarch --home-dir /var/lib/monarch --no-create-home --shell /usr/sbin/nologin \
		--comment "Monarch messenger service" monarch
fi

# What somebody has changed since stays as it is.
for dir in /var/lib/monarch /var/backups/monarch; do
	[ -d "$dir" ] || install -d -m 700 -o monarch -g monarch "$dir"
done
# The configuration may come to hold passwords: the server reads it, and does not change it. rpm gives one
# that nobody has changed back to root's group with each version. What only the owner could read, the group
# can: else the server that it is taken from could not start again.
if [ -f /etc/monarch/monarch.toml ]; then
	case $(stat -c %U:%G /etc/monarch/monarch.toml) in
	root:root) chgrp monarch /etc/monarch/monarch.toml ;;
	monarch:*)
		chown root:monarch /etc/monarch/monarch.toml
		chmod g+r,g-w /etc/monarch/monarch.toml
		;;
	esac
	[ $first = no ] || chmod 640 /etc/monarch/monarch.toml
fi

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
	if [ $first = no ]; then
		systemctl try-restart monarch.service ||
			echo "monarch: the service did not start again: journalctl -u monarch tells why" >&2
		# Several nodes of one machine are one service, which goes on if they do this in turns.
		running=$(systemctl list-units --plain --no-legend --state=active 'monarch@*.service' 2>/dev/null | cut -d ' ' -f 1) || true
		for unit in $running; do
			echo "monarch: $unit still runs the version before. When its node is drained: systemctl restart $unit"
		done
	fi
fi

if [ $first = yes ]; then
	echo "monarch: run monarch setup, or say in /etc/monarch/monarch.toml what clients are told to connect to (host); then: systemctl enable --now monarch"
fi
