# The demo: a Git server, a simulated guest agent, a deployment that pin writes, a launch
# by it and a verdict on its receipt, on dstack 0.5 and 0.6; then the same receipt with
# single bytes changed. Everything happens in one temporary directory and on loopback;
# nothing is left running. With OUT=DIR the evidence stays there: receipt.json, root.pem,
# collateral.json, policy.conf.
set -euo pipefail
out=${OUT:+$(mkdir -p "$OUT" && cd "$OUT" && pwd)}
top=$(cd "$(dirname "$0")/.." && pwd)
for tool in git jq; do
  command -v "$tool" >/dev/null || { echo "demo: $tool is needed (apt-get install git jq)" >&2; exit 1; }
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

title "git-launcher pin: config, compose file and policy for the commit that the branch names"
launcher=sha256:$(printf 'a1%.0s' $(seq 32)) # the image's digest, in real life
"$top/bin/git-launcher" pin --out . --image "example.org/git-launcher@$launcher" --set WORK_DIR="$tmp/workload" "$REPO_URL" main 2>pin.log || { cat pin.log; exit 1; }
mv policy.conf launch.conf
cat docker-compose.yaml
# dstack measures the app-compose, and with it the config inside.
jq -n --rawfile compose docker-compose.yaml '{manifest_version: 2, name: "demo", runner: "docker-compose", docker_compose_file: $compose}' >app-compose.json
"$top/bin/dstack-sim" --dstack 0.5 --socket dstack.sock --app-compose app-compose.json --root-out root.pem --collateral-out collateral.json --policy-out system.conf 2>sim.log & pids+=($!)
await dstack.sock
sed 's/^/  /' sim.log

title "What a verifier is to expect: the system, and this launch"
{ cat system.conf; grep -v '^#' launch.conf; } >policy.conf
cat policy.conf

title "The launch: launcher's log (stderr), then the workload's output"
"$top/bin/git-launcher" --dstack-endpoint "$tmp/dstack.sock" --receipt receipt.json config.conf >workload.out 2>launch.log ||
  { cat launch.log; echo "demo: the launch failed" >&2; exit 1; }
cat launch.log
if grep -q 'WRITABLE ROOT' launch.log; then
  echo "  (It warns because the demo runs outside a container. The compose file above makes the root file system read-only.)"
fi
sed 's/^/  | /' workload.out

verify() { "$top/bin/git-launcher-verify" --root root.pem --collateral collateral.json --policy "$1" "$2"; }
title "The verdict: git-launcher-verify --root root.pem --collateral collateral.json --policy policy.conf receipt.json"
verify policy.conf receipt.json || { echo "demo: this was to be VERIFIED" >&2; exit 1; }

title "The system from one hash: the same without a register's value, and check B explained"
grep -v '^MRTD=\|^RTMR' policy.conf >hash.conf
verify hash.conf receipt.json >verdict.out || { cat verdict.out; echo "demo: this was to be VERIFIED" >&2; exit 1; }
sed -n '/^B  /,/^C  /p' verdict.out | sed '$d'
"$top/bin/git-launcher-verify" system --policy hash.conf receipt.json >system.out
sed -n '/^RTMR0, event/,/^$/p' system.out | sed '$d' | cut -c1-118

title "The same deployment on dstack 0.6: nothing is recorded, and nothing else can be launched"
mkdir six
"$top/bin/dstack-sim" --dstack 0.6 --socket six/dstack.sock --app-compose app-compose.json --root-out six/root.pem --collateral-out six/collateral.json --policy-out six/system.conf 2>>sim.log & pids+=($!)
await six/dstack.sock
{ cat six/system.conf; grep -v '^\(MRTD\|RTMR.\)=' policy.conf; } >six/policy.conf
GIT_LAUNCHER_CONFIG=$(cat config.conf; echo x) # $(…) takes line breaks off the end
GIT_LAUNCHER_CONFIG=${GIT_LAUNCHER_CONFIG%x} "$top/bin/git-launcher" --dstack-endpoint "$tmp/six/dstack.sock" --receipt six/receipt.json >workload.out 2>launch.log ||
  { cat launch.log; echo "demo: the launch on dstack 0.6 failed" >&2; exit 1; }
grep binding= launch.log
"$top/bin/git-launcher-verify" --root six/root.pem --collateral six/collateral.json --policy six/policy.conf six/receipt.json >verdict.out ||
  { cat verdict.out; echo "demo: this was to be VERIFIED on dstack 0.6" >&2; exit 1; }
sed -n '/^E  /,$p' verdict.out

if [ -n "$out" ]; then cp receipt.json root.pem collateral.json policy.conf "$out"; fi

title "The same with one byte changed, in seven places"
refuse() { # what, exit code, policy, receipt
  code=0
  verify "$3" "$4" >verdict.out || code=$?
  [ "$code" = "$2" ] || { cat verdict.out; echo "demo: exit code $code, not $2, for $1" >&2; exit 1; }
  printf '%-8s exit %s  %s\n' "$1" "$code" "$(sed '1,/^NOT VERIFIED/d' verdict.out | tr -s ' \n' ' ' | sed 's/ $//')"
}
change() { jq "$1" receipt.json >changed.json; }
change '.quote |= .[0:400] + (if .[400:401] == "0" then "1" else "0" end) + .[401:]'
refuse quote 3 policy.conf changed.json
change '.event_log |= (fromjson | (.[] | select(.event == "storage-fs") | .event_payload) = "7a6674" | tojson)'
refuse log 3 policy.conf changed.json
change '.record |= sub("entrypoint.sh"; "entripoint.sh")'
refuse record 3 policy.conf changed.json
change '.info.tcb_info |= (fromjson | .app_compose |= sub("demo"; "dem0") | tojson)'
refuse compose 3 policy.conf changed.json
change '.vm_config |= (fromjson | .tdx_measurement.measurement |= "p" + .[1:] | tojson)'
refuse document 3 hash.conf changed.json
sed 's/^OS_IMAGE_HASH=./OS_IMAGE_HASH=x/; s/=x/=0/' hash.conf >other.conf
refuse image 4 other.conf receipt.json
sed 's/^COMMIT_SHA=./COMMIT_SHA=0/' policy.conf >other.conf
refuse policy 4 other.conf receipt.json
