#!/bin/sh
# Notifies a user through Tabcast, with curl (7.71 or later) and nothing else.
#
#   sh notify.sh demo "Your export is ready" "42 rows"
#
# TABCAST_URL and TABCAST_KEY come from the environment.
set -eu

if [ $# -lt 2 ] || [ $# -gt 3 ]; then
  echo 'Usage: sh notify.sh <user> <title> [<body>]' >&2
  exit 2
fi

fail() { echo "$1" >&2; exit 1; }
case ${TABCAST_KEY:-} in
  '' | *[![:graph:]]*) fail 'Set TABCAST_KEY to an API key, without spaces and line breaks' ;;
esac
case ${TABCAST_URL:=http://127.0.0.1:3000} in
  http://?* | https://?*) ;;
  *) fail 'Set TABCAST_URL to an address such as http://127.0.0.1:3000' ;;
esac

# Every byte as %XX: then no character can end the path early.
percent_encoded() { printf %s "$1" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g'; }

# A JSON string: quotes, backslashes, tabs and line ends escaped; other control characters do not belong in a text.
json_string() {
  tab=$(printf '\t')
  printf %s "$1" | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e "s/$tab/\\\\t/g" |
    awk 'BEGIN { printf "\"" } NR > 1 { printf "\\n" } { printf "%s", $0 } END { printf "\"" }' | tr -d '\000-\037'
}

notification="{\"title\":$(json_string "$2")"
[ $# -lt 3 ] || notification="$notification,\"body\":$(json_string "$3")"
key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

# The retry sends the same idempotency key, so the notification is never shown twice. Without --fail a 4xx is an answer, and no reason
# to retry. The API key comes by standard input, where no list of processes shows it.
status=$(
  printf 'Authorization: Bearer %s\n' "$TABCAST_KEY" |
    curl --silent --show-error --connect-timeout 0.5 --max-time 2 --retry 1 --retry-all-errors \
      --retry-max-time 4 --path-as-is --header @- --header 'Content-Type: application/json' --header "Idempotency-Key: $key" \
      --data-binary "$notification}" --output "$answer" --write-out '%{http_code}' \
      "$TABCAST_URL/notify/$(percent_encoded "$1")"
) || fail 'Tabcast did not answer.'

case $status in
  2??) cat "$answer"; echo ;;
  *) fail "Tabcast answered $status: $(cat "$answer")" ;;
esac
