#!/bin/bash
# docker-entrypoint.sh MON-PORT HTTP-PORT HTTPS-PORT CERTIFICATE KEY
# Makes a monitor, one OSD in memory, the gateway's pools and its user $S3_ACCESS_KEY / $S3_SECRET_KEY, all new at each
# start and on loopback only (3 s), then becomes the gateway. KMS keys are those of Ceph's own testing backend: 'dr-key'.
set -euo pipefail
mon_port=$1 http_port=$2 https_port=$3 certificate=$4 key=$5
: "${S3_ACCESS_KEY:?}" "${S3_SECRET_KEY:?}"
root=/var/lib/lifeboat-ceph
fsid=$(cat /proc/sys/kernel/random/uuid)
osd=$(cat /proc/sys/kernel/random/uuid)
rm -rf "$root"
mkdir -p "$root"/{mon,osd,run}

cat >"$root/ceph.conf" <<CONF
[global]
fsid = $fsid
mon_host = v2:127.0.0.1:$mon_port/0
keyring = $root/keyring
run_dir = $root/run
ms_bind_msgr1 = false
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
log_to_file = false
log_to_stderr = true
err_to_stderr = true
mon_cluster_log_to_file = false
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
[mon]
mon_data = $root/mon
# Each new pool waits for an election's worth of time otherwise: 12 s in all.
paxos_propose_interval = 0.05
paxos_min_wait = 0.01
# A monitor ends itself where the disk is nearly full; what it keeps here is tiny.
mon_data_avail_warn = 0
mon_data_avail_crit = 0
debug_mon = 0
debug_paxos = 0
debug_rocksdb = 0
[osd]
osd_data = $root/osd
osd_objectstore = memstore
memstore_device_bytes = 8589934592
debug_osd = 0
[client.rgw]
# Without tcp_nodelay every request waits 40 ms for a delayed ACK.
rgw_frontends = beast endpoint=127.0.0.1:$http_port ssl_endpoint=127.0.0.1:$https_port ssl_certificate=$certificate ssl_private_key=$key tcp_nodelay=1
rgw_thread_pool_size = 32
rgw_run_sync_thread = false
# What was deleted is to leave the memory soon, not after two hours.
rgw_gc_obj_min_wait = 5
rgw_gc_processor_period = 5
rgw_crypt_require_ssl = false
rgw_crypt_s3_kms_backend = testing
rgw_crypt_s3_kms_encryption_keys = dr-key=$(head -c 32 /dev/urandom | base64 -w0)
debug_rgw = 0
CONF

for entity in mon. client.admin osd.0 client.rgw; do
  printf '[%s]\n key = %s\n caps mon = "allow *"\n caps osd = "allow *"\n' "$entity" "$(ceph-authtool --gen-print-key)"
done >"$root/keyring"

export CEPH_CONF=$root/ceph.conf
monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$mon_port/0]" "$root/monmap" >/dev/null
ceph-mon --mkfs -i a --monmap "$root/monmap" --keyring "$root/keyring" --no-mon-config
ceph-mon -i a -f &
ceph --connect-timeout 60 osd new "$osd" >/dev/null
ceph-osd -i 0 --mkfs --osd-uuid "$osd"
ceph-osd -i 0 -f &
for pool in .rgw.root default.rgw.{log,control,meta,buckets.index,buckets.data,buckets.non-ec}; do
  printf 'osd pool create %s 1 1 replicated\nosd pool application enable %s rgw\n' "$pool" "$pool"
done | ceph >/dev/null
radosgw-admin -n client.rgw user create --uid=lifeboat --display-name=lifeboat \
  --access-key="$S3_ACCESS_KEY" --secret-key="$S3_SECRET_KEY" >/dev/null
unset S3_ACCESS_KEY S3_SECRET_KEY
exec radosgw -n client.rgw -f
