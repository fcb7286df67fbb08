#!/bin/sh
# What a careful person writes in an evening: the address from one provider, then each record, which is written where it differs.
set -eu
api=https://api.cloudflare.com/client/v4/zones/$ZONE_ID/dns_records
authorised="Authorization: Bearer $TOKEN"
address=$(curl -fsS https://api.ipify.org)
for name in $NAMES; do
  record=$(curl -fsS -H "$authorised" "$api?type=A&name=$name")
  if [ "$(echo "$record" | jq -r '.result[0].content')" != "$address" ]; then
    id=$(echo "$record" | jq -r '.result[0].id')
    curl -fsS -X PATCH -H "$authorised" -H 'Content-Type: application/json' -d "{\"content\":\"$address\"}" -o /dev/null "$api/$id"
  fi
done
