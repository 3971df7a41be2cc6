package compose_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"gitlauncher/verify/compose"
)

// shop returns the recommended service with more lines, and other services after it.
func shop(own string, others ...string) string {
	s := `services:
  app:
    image: example.org/git-launcher@` + digest + `
    environment:
      GIT_LAUNCHER_RECEIPT_LOG: "true"
      GIT_LAUNCHER_CONFIG: |
        REPO_URL=https://example.org/shop.git
        COMMIT_SHA=0123456789abcdef0123456789abcdef01234567
` + own + `    restart: on-failure
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    tmpfs: ["/tmp:exec", "/var/tmp:exec", "/run/git-launcher", "/root:exec", "/var/cache:exec"]
    volumes: ["/var/run/dstack.sock:/var/run/dstack.sock", "workload:/var/lib/git-launcher"]
`
	text := s + strings.Join(others, "\n") + "\n"
	if !strings.Contains(text, "\nvolumes:\n") {
		text += "volumes:\n"
	}
	return text + "  workload:\n"
}

// script stands for a published form of Phala Cloud's script.
const script = "#!/bin/bash\necho published\n"

// scripts is what is published here.
var scripts = map[string]string{sum(strings.Trim(script, "\n")): "0.0.0 (test)"}

// TestDeployments: what people deploy, in our words, after dstack-examples and the
// documentation of Phala Cloud, with the policy that pin writes (the compose file's
// hash and the variables' names). Each is judged twice: as it is, when it needs only
// the exceptions named here, and with those bound to their content, when nothing is
// left. The table of doc/deploy.md must have the same.
func TestDeployments(t *testing.T) {
	page, err := os.ReadFile("../../doc/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		file   string
		app    map[string]any
		envs   []string
		expect compose.Expect
		needs  []string // exceptions
		pinned bool
	}{
		"a workload alone":                         {file: shop(""), pinned: true},
		"a launch that answers strangers (attest)": {file: attested(t), pinned: true},
		"with its own ports, limits and names": {file: shop(`      LANG: C.UTF-8
    platform: linux/amd64
    hostname: shop
    container_name: shop
    ports: ["8080:8080", "127.0.0.1:9000:9000/udp"]
    depends_on: {db: {condition: service_healthy}}
    ulimits: {nofile: {soft: 65536, hard: 65536}}
    shm_size: 256m
    pull_policy: always
    stop_signal: SIGINT
    stop_grace_period: 30s
    tty: true
    stdin_open: true
    init: true
    labels: {org.example.team: shop}
    cap_add: [CHOWN, SETUID, SETGID]
    deploy: {resources: {limits: {cpus: "1.5", memory: 512M, pids: 100}, reservations: {cpus: "0.5", memory: 128M}}}
    logging: {driver: json-file, options: {max-size: 10m}}
`, `  db: {image: "postgres:16", healthcheck: {test: [CMD, pg_isready]}}`), pinned: true},
		"API keys as encrypted variables":    {file: shop("      LLM_API_KEY: ${LLM_API_KEY}\n      LLM_BASE_URL: https://api.example.org/v1\n"), envs: []string{"LLM_API_KEY"}, pinned: true},
		"a private repository":               {file: strings.Replace(shop("      REPO_TOKEN: ${REPO_TOKEN}\n"), "        COMMIT_SHA", "        AUTH_TOKEN_ENV=REPO_TOKEN\n        COMMIT_SHA", 1), envs: []string{"REPO_TOKEN"}, pinned: true},
		"a database and a cache":             {file: shop("", "  db:\n    image: postgres:16-alpine\n    environment: {POSTGRES_PASSWORD: \"${DB_PASSWORD}\", POSTGRES_DB: shop}\n    volumes: [\"db:/var/lib/postgresql/data\"]\n    healthcheck: {test: [\"CMD-SHELL\", \"pg_isready -U $${POSTGRES_USER:-postgres}\"], interval: 10s, retries: 5}\n    restart: unless-stopped\n  cache: {image: \"redis:7\", command: redis-server --appendonly yes, volumes: [\"cache:/data\"]}", "volumes:\n  db:\n  cache:"), envs: []string{"DB_PASSWORD"}, pinned: true},
		"a web server reads the checkout":    {file: shop("", "  web: {image: nginx, volumes: [\"workload:/srv/site:ro\", \"./config/nginx.conf:/etc/nginx/nginx.conf:ro\"], ports: [\"80:80\"]}"), pinned: true},
		"a domain of one's own (ingress)":    {file: shop("", "  dstack-ingress:\n    image: example.org/dstack-ingress@"+digest[:70]+"9\n    ports: [\"443:443\"]\n    environment: [\"DNS_PROVIDER=cloudflare\", \"CLOUDFLARE_API_TOKEN=${CLOUDFLARE_API_TOKEN}\", \"DOMAIN=${DOMAIN}\", SET_CAA=true, \"TARGET_ENDPOINT=http://app:8080\"]\n    volumes: [\"/var/run/dstack.sock:/var/run/dstack.sock\", \"certs:/etc/letsencrypt\", \"evidences:/evidences\"]\n    restart: unless-stopped", "volumes:\n  certs:\n  evidences:"), envs: []string{"CLOUDFLARE_API_TOKEN", "DOMAIN"}, needs: []string{"service:dstack-ingress"}, pinned: true},
		"a model on a GPU":                   {file: shop("", "  vllm:\n    image: vllm/vllm-openai:latest\n    environment: [NVIDIA_VISIBLE_DEVICES=all, \"HF_TOKEN=${HF_TOKEN:-}\"]\n    command: >\n      --model Qwen/Qwen2.5-1.5B-Instruct\n      --port 8000\n    deploy: {resources: {reservations: {devices: [{driver: nvidia, count: all, capabilities: [gpu]}]}}}"), envs: []string{"HF_TOKEN"}, needs: []string{"service:vllm"}, pinned: true},
		"a hidden service":                   {file: shop("", "  tor:\n    image: example.org/tor\n    volumes: [\"tor:/var/lib/tor/hidden_service\"]\n    networks: [net]\n  front:\n    depends_on: [tor]\n    image: nginx:alpine\n    volumes: [\"tor:/tor:ro\"]\n    command: sh -c \"/start.sh\"\n    configs: [{source: start, target: /start.sh, mode: 0755}]\n    networks: [net]", "networks: {net: }\nconfigs:\n  start:\n    content: |\n      while [ ! -f /tor/hostname ]; do sleep 1; done\n      nginx -g 'daemon off;'", "volumes:\n  tor:"), pinned: true},
		"a template with folders beside it":  {file: shop("", "  webui:\n    image: example.org/open-webui:main\n    env_file: .env\n    extra_hosts: [\"host.docker.internal:host-gateway\"]\n    volumes: [\"./data:/app/backend/data\", \"./downloads:/app/downloads\"]\n    restart: always"), pinned: true},
		"a notebook with the VM's /tmp":      {file: shop("", "  jupyter: {image: jupyter/base-notebook, volumes: [\"/tmp:/tmp\"], ports: [\"8888:8888\"]}"), needs: []string{"service:jupyter"}, pinned: true},
		"a Kubernetes in a container":        {file: shop("", "  k3s:\n    image: rancher/k3s:v1.31.6-k3s1\n    command: [server, \"--tls-san=${DSTACK_APP_ID}-6443s.${DSTACK_GATEWAY_DOMAIN}\"]\n    privileged: true\n    tmpfs: [/run, /var/run]\n    volumes: [\"k3s:/var/lib/rancher/k3s\"]", "volumes:\n  k3s:"), envs: []string{"DSTACK_APP_ID", "DSTACK_GATEWAY_DOMAIN"}, needs: []string{"service:k3s"}, pinned: true},
		"a shell into the VM":                {file: shop("", "  webshell: {image: example.org/webshell, privileged: true, network_mode: host, volumes: [\"/:/host\", \"/var/run/docker.sock:/var/run/docker.sock\"]}"), needs: []string{"service:webshell"}, pinned: true},
		"Phala Cloud's script":               {file: shop(""), app: map[string]any{"pre_launch_script": "\n" + script, "features": []string{"kms", "tproxy-net"}, "kms_enabled": true, "gateway_enabled": true, "public_logs": true, "allowed_envs": []string{"DSTACK_DOCKER_USERNAME", "DSTACK_DOCKER_PASSWORD"}}, envs: []string{"DSTACK_DOCKER_USERNAME", "DSTACK_DOCKER_PASSWORD"}, expect: compose.Expect{System: compose.Production}, pinned: true},
		"a script of one's own":              {file: shop(""), app: map[string]any{"pre_launch_script": "echo hello > /tapp/motd"}, needs: []string{"pre_launch_script"}, pinned: true},
		"dstack 0.6's app-compose":           {file: shop(""), app: map[string]any{"manifest_version": "3", "event_log_version": 2, "requirements": map[string]any{"os_version": ">=0.6.0", "platforms": []string{"tdx"}, "gpu_policy": map[string]any{"attest_gpu": true}}, "port_policy": map[string]any{"restrict_mode": true, "ports": []any{map[string]any{"port": 8080}}}, "verity_volumes": []any{}, "storage_discard": true, "storage_fs": "ext4", "swap_size": "1G", "key_provider": "none", "secure_time": true}, pinned: true},
		"an init script of a provider (0.6)": {file: shop(""), app: map[string]any{"init_script": []string{"echo one", "echo two"}}, needs: []string{"init_script"}, pinned: true},
		"a derived image":                    {file: "services:\n  app:\n    image: example.org/shop@" + digest + "\n    read_only: true\n    tmpfs: [/tmp, /run/git-launcher]\n    volumes: [\"/var/run/dstack.sock:/var/run/dstack.sock\", \"workload:/var/lib/git-launcher\"]\nvolumes: {workload: }\n"},
		"an MPC node":                        {file: mpc(""), expect: compose.Expect{Image: true}},
		"an MPC node with one image alone":   {file: mpc("    command: [--approved, none]\n"), expect: compose.Expect{Image: true}, pinned: true},
	} {
		t.Run(name, func(t *testing.T) {
			sum := sha256.Sum256([]byte(tc.file))
			expect := tc.expect
			expect.Scripts = scripts
			expect.Envs, expect.EnvsGiven = tc.envs, true
			expect.DockerComposeSHA256 = []string{hex.EncodeToString(sum[:])}
			r := judge(t, tc.file, tc.app, expect)
			var names []string
			for _, p := range r.Problems {
				names = append(names, p.Name)
				expect.Allow = append(expect.Allow, p.Accept)
			}
			if names = slices.Compact(names); r.Service == "" || !slices.Equal(names, tc.needs) {
				t.Fatalf("service %q (%s), needs %q, want %q: %+v", r.Service, r.NoService, names, tc.needs, r.Problems)
			}
			r = judge(t, tc.file, tc.app, expect)
			if len(denied(r)) > 0 || len(r.Accepted) != len(tc.needs) {
				t.Errorf("accepted are %q, left are %+v", r.Accepted, r.Problems)
			}
			if row := deploymentRow(name, tc.envs, tc.needs, tc.pinned); !strings.Contains(string(page), "\n"+row+"\n") {
				t.Errorf("doc/deploy.md does not have the row\n%s", row)
			}
			if r.Pinned != tc.pinned || r.Pinned != (len(r.Unpinned) == 0) {
				t.Errorf("pinned %v, %q", r.Pinned, r.Unpinned)
			}
		})
	}
}

// deploymentRow returns a deployment's row in doc/deploy.md.
func deploymentRow(name string, envs, needs []string, pinned bool) string {
	var lines []string
	for _, n := range envs {
		lines = append(lines, "`ALLOWED_ENVS="+n+"`")
	}
	for _, n := range needs {
		lines = append(lines, "`ALLOW_COMPOSE="+n+"@sha256:…`")
	}
	outcome, on := "passes", "0.5 and 0.6"
	if len(needs) > 0 {
		outcome = "refuses"
	}
	if !pinned {
		on = "0.5"
	}
	return fmt.Sprintf("| %s | %s | %s | %s |", name, outcome, strings.Join(lines, " "), on)
}

// mpc returns the compose file of an MPC node's operators, with more lines.
func mpc(own string) string {
	return `version: '3.8'
services:
  launcher:
    image: example.org/git-launcher-image@` + digest + `
    container_name: launcher
    environment: [PLATFORM=TEE, DOCKER_CONTENT_TRUST=1, DEFAULT_IMAGE_DIGEST=` + digest + `]
` + own + `    volumes: ["/var/run/docker.sock:/var/run/docker.sock", "/var/run/dstack.sock:/var/run/dstack.sock", "/tapp:/tapp:ro", "shared-volume:/mnt/shared:rw"]
    security_opt: ["no-new-privileges:true"]
    read_only: true
    tmpfs: [/tmp]
volumes:
  shared-volume: {name: shared-volume}
`
}

// forge judges a compose with the policy of its honest form: the launcher's digest, the
// commit, and the variable API_KEY. It returns what speaks against it: an error, or the
// problems that are left.
func forge(t *testing.T, file string, app map[string]any, expect compose.Expect) (refusals []string) {
	t.Helper()
	doc := map[string]any{"manifest_version": 2, "runner": "docker-compose", "docker_compose_file": file, "allowed_envs": []string{"API_KEY"}}
	for k, v := range app {
		doc[k] = v
	}
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return forgeBytes(t, data, expect)
}

func forgeBytes(t *testing.T, appCompose []byte, expect compose.Expect) (refusals []string) {
	t.Helper()
	expect.LauncherDigests, expect.Envs, expect.EnvsGiven, expect.Scripts = []string{digest}, []string{"API_KEY"}, true, scripts
	r, err := compose.Judge(t.Context(), appCompose, expect)
	if err != nil {
		return []string{"error: " + err.Error()}
	}
	if r.Service == "" {
		refusals = append(refusals, "no service: "+r.NoService)
	}
	for _, p := range r.Problems {
		if !p.Accepted {
			state := "refused"
			if p.Open {
				state = "open"
			}
			refusals = append(refusals, state+": "+p.Name+": "+p.What+": "+p.Why)
		}
	}
	return refusals
}
