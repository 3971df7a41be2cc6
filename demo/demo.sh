# The demo: a Git server, a simulated guest agent, a launch through a config, and
# the evidence checked by hand. Everything happens in one temporary directory and on
# loopback; nothing is left running. The checks are those of VERIFY.md.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
for tool in git jq xxd sha384sum sha512sum; do
  command -v "$tool" >/dev/null || { echo "demo: $tool is needed (apt-get install git jq xxd coreutils)" >&2; exit 1; }
done
tmp=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$tmp"' EXIT
cd "$tmp"

title() { printf '\n== %s\n' "$*"; }
await() { for _ in $(seq 100); do [ -e "$1" ] && return; sleep 0.05; done; echo "demo: $1 did not come" >&2; exit 1; }

title "A Git server with a workload, and a simulated guest agent"
mkdir repos
"$top/bin/serve" repos server.env & pids+=($!)
await server.env
. ./server.env
echo "repository $REPO_URL"
echo "commit     $COMMIT_SHA"

title "The config, as a compose file would mount it at /etc/git-launcher/config.conf"
mkdir -p etc/git-launcher
cat >etc/git-launcher/config.conf <<CONF
REPO_URL=$REPO_URL
COMMIT_SHA=$COMMIT_SHA
WORK_DIR=$tmp/workload
CONF
cat etc/git-launcher/config.conf
# dstack measures the app-compose, and with it the config inside.
compose=$(printf 'services:\n  app:\n    image: git-launcher\nconfigs:\n  launcher:\n    content: |\n'; sed 's/^/      /' etc/git-launcher/config.conf)
jq -n --arg compose "$compose" '{manifest_version: 2, name: "demo", runner: "docker-compose", docker_compose_file: $compose}' >app-compose.json
"$top/bin/dstack-sim" --socket dstack.sock --app-compose app-compose.json 2>sim.log & pids+=($!)
await dstack.sock
sed 's/^/  /' sim.log

title "The launch: launcher's log (stderr), then the workload's output"
"$top/bin/git-launcher" --dstack-endpoint "$tmp/dstack.sock" --receipt receipt.json etc/git-launcher/config.conf >workload.out 2>launch.log ||
  { cat launch.log; echo "demo: the launch failed" >&2; exit 1; }
cat launch.log
sed 's/^/  | /' workload.out

title "The event log: RTMR3 recomputed step by step from names and payloads"
rtmr=$(printf '0%.0s' $(seq 96))
while IFS=$'\t' read -r name payload; do
  digest=$({ printf '\x01\x00\x00\x08:%s:' "$name"; printf %s "$payload" | xxd -r -p; } | sha384sum | cut -d' ' -f1)
  rtmr=$(printf %s%s "$rtmr" "$digest" | xxd -r -p | sha384sum | cut -d' ' -f1)
  printf '%-17s %.24s -> RTMR3 %.24s\n' "$name" "${payload:--}" "$rtmr"
done < <(jq -r '.event_log | fromjson | .[] | select(.imr == 3) | [.event, .event_payload] | join("\t")' receipt.json)
quoted=$(jq -j .quote receipt.json | cut -c1041-1136)
echo "recomputed        $rtmr"
echo "in the quote      $quoted"

title "The launch record, as measured"
jq -j .record receipt.json | jq .

title "Verdict"
payload() { jq -r --arg n "$1" '.event_log | fromjson | .[] | select(.imr == 3 and .event == $n) | .event_payload' receipt.json; }
verdict=0
verdict_on() { if [ "$2" = "$3" ]; then echo "ok    $1"; else echo "WRONG $1"; verdict=1; fi; }
verdict_on "the event log is the quote's RTMR3" "$rtmr" "$quoted"
verdict_on "git-commit is the commit in the config" "$(payload git-commit)" "$COMMIT_SHA"
verdict_on "git-launch is the record in the receipt" "$(payload git-launch)" "$(jq -j .record receipt.json | xxd -p | tr -d '\n')"
verdict_on "config_sha256 is the config's" "$(jq -j .record receipt.json | jq -r .config_sha256)" "$(sha256sum <etc/git-launcher/config.conf | cut -d' ' -f1)"
verdict_on "compose-hash is the app-compose's" "$(payload compose-hash)" "$(sha256sum <app-compose.json | cut -d' ' -f1)"
verdict_on "git agrees with the checkout" "$(git -C workload rev-parse HEAD)$(git -C workload status --porcelain)" "$COMMIT_SHA"
if [ "$verdict" = 0 ]; then
  echo "MEASURED AND CONSISTENT: commit $COMMIT_SHA ran, and RTMR3 says so."
  echo "(The quote is a simulator's. On TDX hardware its signature is what makes this a proof.)"
else
  echo "NOT CONSISTENT"
fi
exit "$verdict"
