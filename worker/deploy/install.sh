#!/usr/bin/env bash
# Installs the worker on an instance: run as root after the archive was unpacked to /opt/bursa and
# /etc/bursa/worker.env was written (infra/worker-fleet.yaml does both). Needs the Python that the
# archive was built for. Reaches no package registry and compiles nothing: the archive holds the
# packages, whose hashes are compared with the lock, and the compiled engine.
#
#   WORKER_PYTHON      its command; python3.13 unless told otherwise
#   WORKER_LOG_GROUP   where the CloudWatch agent sends the log; without it the log stays here, and
#                      no traces are sent
set -euo pipefail

home=/opt/bursa
python=${WORKER_PYTHON:-python3.13}

fail() {
  echo "install: $*" >&2
  exit 1
}

[ -d "$home/packages" ] || fail "$home/packages is missing; unpack the worker's archive first."
[ -r /etc/bursa/worker.env ] || fail "/etc/bursa/worker.env is missing."

id bursa >/dev/null 2>&1 || useradd --system --home-dir "$home" --shell /usr/sbin/nologin bursa
install -d -m 0750 -o bursa -g bursa /var/log/bursa

"$python" -m venv "$home/venv"
"$home/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index \
  --no-deps --require-hashes --find-links "$home/packages" --requirement "$home/worker/deploy/requirements.txt"

(cd "$home" && PYTHONPATH="$home:$home/layers/core" "$home/venv/bin/python" -c "import engine._core") ||
  fail "the archive's engine is not for this machine and Python; interpreted it would be twenty times slower."
chown -R root:root "$home"

cat >/etc/logrotate.d/bursa-worker <<'LOGROTATE'
/var/log/bursa/worker.log {
  daily
  rotate 7
  maxsize 200M
  compress
  copytruncate
  missingok
}
LOGROTATE

# Before the log's agent: a shard without a log is better than one without a worker.
install -m 0644 "$home/worker/deploy/bursa-worker.service" /etc/systemd/system/
systemctl daemon-reload
systemctl enable --now bursa-worker

if [ -n "${WORKER_LOG_GROUP:-}" ]; then
  cat >/opt/aws/amazon-cloudwatch-agent/etc/bursa.json <<AGENT
{
  "logs": {
    "logs_collected": {
      "files": {
        "collect_list": [
          {
            "file_path": "/var/log/bursa/worker.log",
            "log_group_name": "${WORKER_LOG_GROUP}",
            "log_stream_name": "{instance_id}"
          },
          {
            "file_path": "/var/log/cloud-init-output.log",
            "log_group_name": "${WORKER_LOG_GROUP}",
            "log_stream_name": "{instance_id}-boot"
          }
        ]
      }
    }
  },
  "traces": {
    "traces_collected": { "xray": { "bind_address": "127.0.0.1:2000" } }
  }
}
AGENT
  /opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl \
    -a fetch-config -m ec2 -s -c file:/opt/aws/amazon-cloudwatch-agent/etc/bursa.json
fi
