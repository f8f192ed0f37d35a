#!/bin/sh
# Sets root's password for every host by the file that mysqld runs once it is up, then becomes mysqld.
set -eu
: "${MYSQL_ROOT_PASSWORD:?}"
umask 077
password=$(printf '%s' "$MYSQL_ROOT_PASSWORD" | sed "s/[\\\\']/\\\\&/g")
cat >/var/lib/mysql-init.sql <<SQL
SET SESSION sql_log_bin = 0;
ALTER USER root@localhost IDENTIFIED BY '$password';
CREATE USER root@'%' IDENTIFIED BY '$password';
GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;
SQL
umask 022
unset MYSQL_ROOT_PASSWORD
if [ "${1:-}" = mysqld ]; then shift; fi
exec mysqld --no-defaults --user=root --datadir=/var/lib/mysql --init-file=/var/lib/mysql-init.sql "$@"
