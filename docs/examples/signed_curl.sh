#!/bin/sh
# Send one request signed with an API key: curl and openssl, Ed25519 or HMAC-SHA256.
#
#   BURSA_URL=https://api.example.com/v1  BURSA_KEY=t1-7.0123456789abcdef01234567
#   BURSA_PRIVATE_KEY=key.pem  (Ed25519)  or  BURSA_SECRET=…  (HMAC)
#
#   ./signed_curl.sh GET /orders 'market=BTC-USDT&status=open'
#   ./signed_curl.sh POST /orders '' '{"market": "BTC-USDT", "side": "buy", …}'
#
# The query must have its names in order, and all but A-Z a-z 0-9 - . _ ~ as %XX. A key for Ed25519:
#
#   openssl genpkey -algorithm ed25519 -out key.pem
#   openssl pkey -in key.pem -pubout -outform DER | tail -c 32 | base64    # its public_key
set -eu

method=$1 path=$2 query=${3-} body=${4-}
now=$(date +%s%3N)
digest=$(printf %s "$body" | openssl dgst -sha256 -r | cut -d ' ' -f 1)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Version, key, time, nonce, method, path, query, Idempotency-Key, digest of the body.
printf 'BURSA1\n%s\n%s\n\n%s\n/v1%s\n%s\n\n%s' \
  "$BURSA_KEY" "$now" "$method" "$path" "$query" "$digest" > "$folder/text"

if [ -n "${BURSA_SECRET-}" ]; then
  signature=$(openssl dgst -sha256 -hmac "$BURSA_SECRET" -binary "$folder/text" | base64 -w 0)
else
  signature=$(openssl pkeyutl -sign -rawin -inkey "$BURSA_PRIVATE_KEY" -in "$folder/text" | base64 -w 0)
fi

curl -sS --fail-with-body -X "$method" "$BURSA_URL$path${query:+?$query}" \
  -H "Authorization: Bursa-Key $BURSA_KEY" \
  -H "X-Bursa-Timestamp: $now" \
  -H "X-Bursa-Signature: $signature" \
  ${body:+-H "Content-Type: application/json" --data-raw "$body"}
