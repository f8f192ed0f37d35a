#!/bin/sh
# Makes a cluster (the system identifier has to be new at each start), then becomes postgres.
set -eu
: "${POSTGRES_PASSWORD:?}"
data=/var/lib/postgresql/data
mkdir -p "$data"
chown postgres: "$data"
password=$(mktemp -p /run)
printf '%s\n' "$POSTGRES_PASSWORD" >"$password"
chown postgres: "$password"
unset POSTGRES_PASSWORD
setpriv --reuid=postgres --regid=postgres --init-groups -- \
  initdb --pgdata="$data" --username=postgres --encoding=UTF8 --locale=C.UTF-8 --no-sync \
  --auth-local=trust --auth-host=scram-sha-256 --pwfile="$password" >/dev/null
rm -f "$password"
if [ "${1:-}" = postgres ]; then shift; fi
exec setpriv --reuid=postgres --regid=postgres --init-groups -- postgres -D "$data" "$@"
