#!/bin/sh
# Makes ./secrets for docker-compose.yml: random passwords, a default for the mail relay, empty files to fill in.
# What is there already stays. Elasticsearch wants mode 0600 and runs, like Kibana and the worker, as user 1000.
set -eu
cd "$(dirname "$0")/.."
umask 077
mkdir -p secrets
random() {
    [ -s "secrets/$1" ] || od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"secrets/$1"
}
given() {
    [ -e "secrets/$1" ] || printf '%s' "$2" >"secrets/$1"
}
random elastic_password
random kibana_password
random postgres_password
given smtp_url smtp://smtp:587
for name in relay_password webhook_secret facebook_token facebook_secret zalo_secret zalo_refresh_token zalo_oa_secret; do
    given "$name" ''
done
chmod 600 secrets/*
[ "$(id -u)" != 0 ] || chown 1000 secrets secrets/*
