package main

const usage = `Usage: git-launcher [run] [flags] [config-file]    launch; config-file defaults to /etc/git-launcher/config.conf
       git-launcher check [flags] [config-file]    all but measuring and exec, in a temporary directory; prints the launch record
       git-launcher receipt [--nonce HEX]          a fresh launch receipt of the launch that is running, on standard output
       git-launcher image [flags]                  launch an approved container image; image resolve REFERENCE; image --help
       git-launcher pin [flags] REPO_URL [REF]     for authors: the commit that REF (a branch or tag) is now, proven as
                                                   a launch would; prints config, compose file and policy
       git-launcher help COMMAND                   that command's flags, with examples; also COMMAND --help
       git-launcher version

git-launcher reads a config that pins one commit of one Git repository, fetches
exactly that commit, proves every byte of it, binds it to the measurements of the
confidential VM, and then becomes the commit's entrypoint.sh.
Nothing runs that was not pinned, verified and measured.

The config is KEY=VALUE lines, in the variable GIT_LAUNCHER_CONFIG or in a file;
nothing in it is expanded or sourced:
  REPO_URL=https://host/repo.git     https, http, ssh, user@host:path, file or /path
  COMMIT_SHA=<40 lowercase hex>      a full commit id; branches and tags can move
and, if wanted: REPO_MIRRORS (more addresses), WORK_DIR, REPO_SUBDIR,
ENTRYPOINT_SCRIPT, RUN_CMD, INSTALL_CMD, ALLOW_ENV, FETCH_DEPTH=1|full,
SUBMODULES=none|recursive, LFS=none|fetch (recursive and fetch are not built yet),
CONTENT_SHA256, ENTRYPOINT_SHA256, AUTH_TOKEN_ENV or AUTH_TOKEN_FILE,
AUTH_SCHEME=basic|bearer, TLS_CA_FILE, TLS_CLIENT_CERT_FILE,
TLS_CLIENT_KEY_FILE, SSH_KEY_ENV or SSH_KEY_FILE, SSH_HOST_KEY or SSH_KNOWN_HOSTS_FILE.
https_proxy, no_proxy and all_proxy are read as Git reads them; SSL_CERT_FILE as OpenSSL.

Flags (each also as an environment variable: GIT_LAUNCHER_ and the name in
capitals, with _ for -; the flag wins):
  --platform tee|nontee     tee (default) measures, and fails without a guest agent;
                            nontee measures nothing and says so. Also PLATFORM=TEE|NONTEE
  --measure auto|record|pinned
                            auto (default) records the launch in RTMR3 where dstack lets it (0.5),
                            and otherwise launches only what the measured compose holds (0.6);
                            record and pinned accept one of the two alone
  --dstack-endpoint PATH    the guest agent's socket (default /var/run/dstack.sock);
                            a flag only, so that no variable can redirect measurements
  --receipt FILE            where the launch receipt goes (default /run/git-launcher/receipt.json);
                            a variable may name a .json file only
  --receipt-log             put the whole receipt in the log, too
  --require-receipt         fail where no receipt can be made or written
  --nonce HEX               for receipt: up to 64 bytes that the asker chose
  --policy-out FILE         for check: write what git-launcher-verify is to expect of this launch;
                            a flag only, too
  --compose FILE            for check: the compose file that deploys the config: it must hold the config, byte
                            for byte, and its hash goes into the policy
  --history                 for check and pin: read the history to see whether a branch or
                            a tag leads to the commit
  --log-format text|json    (default text)
  --log-level debug|info|warn|error
                            (default info)
  --max-pack-bytes N        largest transfer (default 8589934592)
  --max-tree-bytes N        largest checkout (default 34359738368)
  --max-files N             most entries in the tree (default 2000000)
  --stall-timeout D         longest time without a byte from the server (default 30s)
  --pack-timeout D          longest time until the server begins to send the pack (default 10m)
  --fetch-timeout D         longest time for the whole fetch (default 15m)
  --lock-timeout D          longest wait for another launcher (default 10m)
  --dstack-timeout D        longest time for one call to the guest agent (default 30s)
  --retries N               most further tries after faults that may pass (default -1: as
                            many as --fetch-timeout has room for)

Flags of pin alone:
  --set KEY=VALUE           a further line of the config; repeatable
  --env NAME                a variable of the workload whose value is chosen at deployment; repeatable
  --image NAME@sha256:HEX   the launcher image to deploy
  --os-image NAME|HEX       for the policy: the dstack OS image that the VM boots, by its name, as
                            dstack-0.6.6, or by its os_image_hash
  --print WHAT              config, compose, policy or all (default all)
  --out DIR                 write config.conf, docker-compose.yaml and policy.conf there instead
  --auth-token-file FILE    the author's own token, for a private repository over https;
                            --set AUTH_TOKEN_ENV=NAME names the variable inside the VM
  --auth-scheme basic|bearer, --tls-ca-file FILE, --tls-client-cert-file FILE,
  --tls-client-key-file FILE: as the keys of the config, for this machine
  --ssh-key-file FILE       likewise for ssh, with --ssh-known-hosts-file FILE

Exit codes, before the workload has taken over:
  2  usage or config                   5  measuring failed
  3  fetching failed; worth a retry    6  the workload could not be started
     once what it names is in order    7  the Docker Engine failed (image mode)
  4  the pin is not met; never worth   1  anything else
     a retry
After that the exit code is the workload's.

Try it without a TEE:  git-launcher --platform nontee config.conf
`

const imageUsage = `Usage: git-launcher image [flags]                           launch the approved container image, and supervise it
       git-launcher image check [flags]                     all of that but creating, pulling and measuring:
                                                            what a launch would find, and what would end it
       git-launcher image compose --launcher DIGEST --node DIGEST
                                                            the compose file that NEAR's contract allows
       git-launcher image resolve [flags] NAME[:TAG][@DIGEST]   print its digests: index, platform manifest, config

image picks an approved digest, proves index, manifest and config by their bytes,
has the Docker Engine pull exactly that, proves what it pulled, creates the
container, extends RTMR3 with what is about to run, and only then starts it. It
stays as the container's supervisor: it relays output and signals, starts it again
when it fails, and ends with its exit code when that ends well.

Environment, measured with the compose file:
  PLATFORM=TEE|NONTEE           needed; also --platform tee|nontee
  DOCKER_CONTENT_TRUST=1        needed
  DEFAULT_IMAGE_DIGEST=sha256:… used only while there is no approved-hashes file
  TARGET_PLATFORM=os/arch       see --target-platform

Files:
  /mnt/shared/image-digest.bin  approved digests, newest first (--approved-file)
  /tapp/user_config             the operator's choices, TOML or .env (--user-config)
  /mnt/shared/mpc-config.toml   written for the workload (--node-config)

Flags (as variables: GIT_LAUNCHER_ and the name in capitals, with _ for -; those
marked * have none, so that no variable decides what runs or where it is measured):
  --target-platform OS/ARCH[/VARIANT]  platform to take from an index (default linux/amd64)
  --measure auto|record|pinned
                             as in git-launcher --help. Pinned means here: the measured compose has
                             a literal DEFAULT_IMAGE_DIGEST and --approved none
  --approved file|none       where approved digests come from: the file below (default), or nowhere,
                             so that DEFAULT_IMAGE_DIGEST alone runs. On dstack 0.6, which records
                             no events, only that can be launched
  --detach                   start the container and leave it without a supervisor
  --health-listen [HOST]:PORT  answer /healthz there: 200 while the workload runs, else 503
* --profile FILE             another product's container, in TOML (default: the MPC node's)
* --shared-dir DIR           the shared volume (default /mnt/shared)
* --approved-file, --user-config, --node-config FILE
* --docker-endpoint PATH     the Docker Engine's socket (default /var/run/docker.sock)
* --dstack-endpoint PATH     the guest agent's socket (default /var/run/dstack.sock)
  --receipt FILE             launch receipt (default /mnt/shared/git-launcher-receipt.json)
  --receipt-log, --require-receipt, --log-format, --log-level, --dstack-timeout: as in
                             git-launcher --help
  --engine-timeout D         longest time for one call to the Engine (default 1m)
  --registry-timeout D       longest time for one request to the registry (default 30s)
  --stall-timeout D          longest time without progress of a pull (default 2m)
  --lock-timeout D           longest wait for another launcher (default 1m)
  --json                     for resolve: print JSON
* --registry-mirror URL      for resolve: a mirror of Docker Hub to ask first, besides those of the
                             Docker Engine at --docker-endpoint, or in /etc/docker/daemon.json where
                             it does not run; repeatable

Exit codes, before the workload has taken over:
  2  usage, user config, environment or approved-hashes file
  3  the registry failed; worth a retry unless it refused
  4  the override is not approved, or the image is not what was approved
  5  measuring failed; another image was measured in this boot
  7  the Docker Engine failed
  1  anything else
After that the exit code is the workload's.
`
