#!/bin/sh
# Posts new data for the chart: sh push.sh '{"labels": ["Mon", "Tue"], "values": [120, 200]}'
# TABCAST_URL and TABCAST_KEY come from the environment.
set -eu
if [ $# -ne 1 ]; then
  echo "Usage: sh push.sh <data as JSON>" >&2
  exit 2
fi
# The API key comes by standard input, where no list of processes shows it.
printf 'Authorization: Bearer %s\n' "$TABCAST_KEY" |
  curl --silent --show-error --fail-with-body --connect-timeout 0.5 --max-time 2 \
    "${TABCAST_URL:-http://127.0.0.1:3000}/rooms/chart/messages" \
    --header @- --header 'Content-Type: application/json' --data "{\"data\": $1}"
