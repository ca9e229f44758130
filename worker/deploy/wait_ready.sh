#!/usr/bin/env bash
# Waits until the worker of this instance has rebuilt its state, which it says in its log before it
# leads or stands by. Ends with 1 when systemd has given it up.
set -euo pipefail

log=${WORKER_LOG:-/var/log/bursa/worker.log}
until grep -q '"message": "State rebuilt"' "$log" 2>/dev/null; do
  if systemctl is-failed --quiet bursa-worker; then
    echo "wait: the worker has ended; the last line of $log says why" >&2
    tail -n 1 "$log" >&2 || true
    exit 1
  fi
  sleep 2
done
