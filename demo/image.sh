# The demo of image mode: a registry, a simulated guest agent, the Docker Engine of this
# machine; from an approved digest to a running node stand-in to a verdict. Everything is
# in one temporary directory but the container, its volume and its network, which are
# removed in the end.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
bin=${1:-$top/bin}
for tool in docker jq xxd sha384sum; do
  command -v "$tool" >/dev/null || { echo "demo: $tool is needed" >&2; exit 1; }
done
tmp=$(mktemp -d)
name=gl-demo-$$
pids=()
cleanup() {
  docker rm -f "$name" >/dev/null 2>&1 || true
  docker rmi -f "$IMAGE@$DIGEST" >/dev/null 2>&1 || true
  docker volume rm "$name-data" >/dev/null 2>&1 || true
  docker network rm "${name}_default" >/dev/null 2>&1 || true
  kill "${pids[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$tmp"
}
trap cleanup EXIT
cd "$tmp"

title() { printf '\n== %s\n' "$*"; }
await() { for _ in $(seq 400); do [ -e "$1" ] && return; sleep 0.05; done; echo "demo: $1 did not come" >&2; exit 1; }

title "A registry with an image, and a simulated guest agent"
"$bin/serve-images" "$bin/node" registry.env & pids+=($!)
await registry.env
. ./registry.env
echo "$IMAGE@$DIGEST"
launcher=sha256:$(printf 'a1%.0s' $(seq 32)) # the image's digest, in real life
sed "s/nearone\/mpc-launcher@sha256:0*/example.org\/git-launcher-image@$launcher/" "$top/image/compose/mpc-tee.yaml" >docker-compose.yaml
jq -n --rawfile compose docker-compose.yaml '{manifest_version: 2, name: "demo", runner: "docker-compose", docker_compose_file: $compose}' >app-compose.json
"$bin/dstack-sim" --dstack 0.5 --socket dstack.sock --app-compose app-compose.json --root-out root.pem --collateral-out collateral.json --policy-out system.conf 2>sim.log & pids+=($!)
await dstack.sock
sed 's/^/  /' sim.log

title "What a person votes for: git-launcher image resolve"
"$bin/git-launcher" image resolve "$IMAGE:demo"

title "The approved-hashes file, as the node keeps it, and the operator's user config"
mkdir shared
echo "{\"approved_hashes\":[\"$DIGEST\"]}" | tee shared/image-digest.bin
tee user_config <<CONF
[launcher_config]
image_reference = "$IMAGE"
[mpc_node_config]
home_dir = "/data"
CONF
cat >profile.toml <<CONF
name = "$name"
project = "$name"
service = "mpc-node"
network = "${name}_default"
command = ["/app/mpc-node", "start-with-config-file", "/mnt/shared/mpc-config.toml"]
mounts = ["$tmp/shared:/mnt/shared", "$name-data:/data"]
security_opt = ["no-new-privileges:true"]
tee_env = ["DSTACK_ENDPOINT=/var/run/dstack.sock"]
tee_mounts = ["$tmp/dstack.sock:/var/run/dstack.sock"]
approved_file = "/mnt/shared/image-digest.bin"
dstack_endpoint = "/var/run/dstack.sock"
CONF

title "The launch: launcher's log (stderr), and the node's output, until SIGTERM"
PLATFORM=TEE DOCKER_CONTENT_TRUST=1 "$bin/git-launcher" image --shared-dir "$tmp/shared" --user-config "$tmp/user_config" \
  --dstack-endpoint "$tmp/dstack.sock" --profile "$tmp/profile.toml" >node.out 2>launch.log & launch=$!
for _ in $(seq 400); do grep -q '^node: ' node.out && grep -q '^node: ' launch.log && break; sleep 0.05; done
docker inspect -f 'docker inspect: {{.Config.Image}}, {{.State.Status}}, restart policy {{.HostConfig.RestartPolicy.Name}}' "$name"
kill -TERM "$launch"
wait "$launch" || { cat launch.log; echo "demo: the launch failed" >&2; exit 1; }
cat launch.log
cut -c1-110 node.out | sed 's/^/  | /'

title "The node's config, as the launcher wrote it"
cat shared/mpc-config.toml

title "The event log after system-ready, and RTMR3 recomputed"
cp shared/git-launcher-receipt.json receipt.json
rtmr=$(printf '0%.0s' $(seq 96))
ready=
while IFS=$'\t' read -r event payload; do
  digest=$({ printf '\x01\x00\x00\x08:%s:' "$event"; printf %s "$payload" | xxd -r -p; } | sha384sum | cut -c1-96)
  rtmr=$(printf %s%s "$rtmr" "$digest" | xxd -r -p | sha384sum | cut -c1-96)
  [ -z "$ready" ] || printf '%-17s %.64s\n' "$event" "$payload"
  [ "$event" != system-ready ] || ready=yes
done < <(jq -r '.event_log | fromjson | .[] | select(.imr == 3) | [.event, .event_payload] | join("\t")' receipt.json)
quoted=$(jq -j .quote receipt.json | cut -c1041-1136)
echo "recomputed        $rtmr"
echo "in the quote      $quoted"

title "The launch record, as measured"
jq -j .record receipt.json | jq .

title "The verdict: git-launcher-verify --policy policy.conf --image-digest sha256:… receipt.json (its last checks)"
{ cat system.conf; echo "LAUNCHER_IMAGE_DIGEST=$launcher"; } >policy.conf
"$bin/git-launcher-verify" --root root.pem --collateral collateral.json --policy policy.conf --image-digest "$DIGEST" receipt.json >verdict.out ||
  { cat verdict.out; echo "demo: this was to be VERIFIED" >&2; exit 1; }
sed -n '/^E  /,$p' verdict.out
