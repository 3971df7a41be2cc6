package main

import "runtime/debug"

const usage = `Usage: git-launcher [run] [flags] [config-file]    launch; config-file defaults to /etc/git-launcher/config.conf
       git-launcher check [flags] [config-file]    all but measuring and exec, in a temporary directory; prints the launch record
       git-launcher receipt [--nonce HEX]          a fresh launch receipt of the launch that is running, on standard output
       git-launcher pin [flags] REPO_URL [REF]     for authors: the commit that REF (a branch or tag) is now, proven as
                                                   a launch would; prints config, compose file and policy
       git-launcher version

git-launcher reads a config that pins one commit of one Git repository, fetches
exactly that commit, proves every byte of it, extends RTMR3 of the confidential
VM with what it is about to run, and then becomes the commit's entrypoint.sh.
Nothing runs that was not pinned, verified and measured.

The config is KEY=VALUE lines; nothing in it is expanded or sourced:
  REPO_URL=https://host/repo.git     https, http, ssh, user@host:path, file or /path
  COMMIT_SHA=<40 lowercase hex>      a full commit id; branches and tags can move
and, if wanted: WORK_DIR, REPO_SUBDIR, ENTRYPOINT_SCRIPT, RUN_CMD, INSTALL_CMD,
ALLOW_ENV, FETCH_DEPTH=1|full, AUTH_TOKEN_FILE, SSH_KEY_FILE, SSH_KNOWN_HOSTS_FILE.

Flags (each also as an environment variable: GIT_LAUNCHER_ and the name in
capitals, with _ for -; the flag wins):
  --platform tee|nontee     tee (default) measures, and fails without a guest agent;
                            nontee measures nothing and says so. Also PLATFORM=TEE|NONTEE
  --dstack-endpoint PATH    the guest agent's socket (default /var/run/dstack.sock);
                            a flag only, so that no variable can redirect measurements
  --receipt FILE            where the launch receipt goes (default /run/git-launcher/receipt.json)
  --receipt-log             put the whole receipt in the log, too
  --require-receipt         fail where no receipt can be made or written
  --nonce HEX               for receipt: up to 64 bytes that the asker chose
  --history                 for check and pin: read the history to see whether a branch or
                            a tag leads to the commit
  --log-format text|json    (default text)   --log-level debug|info|warn|error (default info)
  --max-pack-bytes N        largest transfer (default 8589934592)
  --max-tree-bytes N        largest checkout (default 34359738368)
  --max-files N             most entries in the tree (default 2000000)
  --stall-timeout D         longest time without a byte of the pack (default 30s)
  --fetch-timeout D         longest time for the whole fetch (default 15m)
  --lock-timeout D          longest wait for another launcher (default 10m)
  --dstack-timeout D        longest time for one call to the guest agent (default 30s)
  --retries N               further tries after network faults (default 5)

Flags of pin alone:
  --set KEY=VALUE           a further line of the config; repeatable
  --image NAME@sha256:HEX   the launcher image to deploy
  --print WHAT              config, compose, policy or all (default all)
  --out DIR                 write config.conf, docker-compose.yaml and policy.conf there instead
  --auth-token-file FILE    the author's own token, for a private repository over https;
                            --set AUTH_TOKEN_FILE=PATH names the one inside the VM
  --ssh-key-file FILE       likewise for ssh, with --ssh-known-hosts-file FILE

Exit codes, before the workload has taken over:
  2  usage or config                   5  measuring failed
  3  fetching failed; worth a retry    6  the workload could not be started
  4  the pin is not met; never worth   1  anything else
     a retry
After that the exit code is the workload's.

Try it without a TEE:  git-launcher --platform nontee config.conf
`

// release is set by the linker where an image or a release is built (image/build); the
// toolchain's own record needs a Git checkout, and would make the same source give
// different bytes.
var release string

// version is the program's version; it is measured as "launcher".
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
