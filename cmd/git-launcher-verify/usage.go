package main

import (
	"gitlauncher/internal/pccs"
	"gitlauncher/policy"
)

// usage is the manual.
func usage() string {
	return `Usage: git-launcher-verify [flags] EVIDENCE            VERIFIED, NOT VERIFIED or UNDECIDED, with every check in a table
       git-launcher-verify --batch [flags] EVIDENCE    a file of JSON lines, or a folder of files: one JSON line each
       git-launcher-verify inspect [flags] EVIDENCE    what is in it; judges nothing
       git-launcher-verify system [flags] EVIDENCE     which system: each event of its registers, and policy lines for it
       git-launcher-verify systems [--systems FILE]    the systems that OS_IMAGE can name
       git-launcher-verify checkout [flags] DIR        the digests of a local clone, to compare with a record
       git-launcher-verify policy --from EVIDENCE      a policy to review, from evidence that one trusts on first use
       git-launcher-verify serve --listen HOST:PORT    judgements over HTTP, and the page
       git-launcher-verify version

Evidence says what ran in a confidential VM. It is a launch receipt of git-launcher
(/run/git-launcher/receipt.json, or "git-launcher receipt --nonce HEX"), a guest agent's
GetQuote answer, the output of "phala cvms attestation --json", or an MPC node's
/public_data; "-" is standard input, and https://host/... is fetched. Six checks, all of them reported:
  A  the quote is genuine: signatures to Intel's root, revocation, TCB status, no debugging
  B  the registers are the expected system: derived from its OS image, or pinned by value
  C  the event log is the register: recomputed and compared with the quote's RTMR3
  D  the compose is the measured one, and gives nothing else the keys to the launch
  E  the launch is the expected one: commit, or image
  F  the launcher image is the audited one, where provenance is asked for

Outcomes: ok; - is good to know; ? leaves the verdict open; NOT ALLOWED and INVALID
refuse. The first reason stands under the verdict, and each row says its own.

VERIFIED needs an expectation for every link: OS_IMAGE, OS_IMAGE_HASH or the four
registers (the system), LAUNCHER_IMAGE_DIGEST (the launcher), COMMIT_SHA or
IMAGE_DIGEST (the launch), and KEY_PROVIDER unless it is none (who holds the keys).
A finding that leaves the verdict open names the line that would settle it.

The first time, with a receipt and no policy: make one, review each line, judge by it.
  git-launcher-verify policy --from receipt.json >policy.conf
  git-launcher-verify --policy policy.conf receipt.json
A simulator's evidence needs --root and --collateral in both (make demo OUT=DIR leaves some).

Expectations, from files of KEY=VALUE lines and from flags. A flag replaces what the files say of
its key. A key may repeat, and hashes, ids and names may be comma lists: that means "one of", but
for settings and for what is accepted it means "all". In a file, --commit-sha is COMMIT_SHA:
  --policy FILE           such a file
` + policy.Usage(26) + `
What it is judged by:
  --systems FILE          systems beside those that this program knows, or in their place (VERIFY.md)
  --at TIME               as of a moment, RFC 3339 (default now)
  --collateral FILE       what Intel says of the platform, as JSON with the nine fields of QuoteCollateralV3;
                          default: Intel's present one is fetched, and without it the evidence's own
                          leaves the verdict open (--collateral evidence accepts it)
  --pccs URL              fetch it there (default ` + pccs.Intel + `)
  --offline               fetch nothing
  --nonce random          a nonce of this run: evidence by its address is asked for with it (?nonce=HEX)
  --allow-private         evidence by its address may be at a private or loopback one
  --root FILE             trust this root certificate (PEM) instead of Intel's: dstack-sim's. It proves
                          nothing about hardware, and the verdict says so
  --provenance FILE       the Sigstore bundle of the launcher image, or several as JSON lines, of which
                          one must hold; "registry": from the image's registry
  --trusted-root FILE     Sigstore's trusted_root.json (default: fetched through TUF)
  --image IMAGE           where a derived launcher image and its base are, for LAUNCHER_BASE_DIGEST: a folder
                          or an archive in OCI's layout (docker save writes one), or a name in a
                          registry; may repeat
  --checkout DIR          a local clone; tree, content and entry script are recomputed from it

Evidence in parts, instead of or beside EVIDENCE:
  --quote FILE            binary or hex            --event-log FILE        JSON
  --info FILE             the guest agent's Info answer, with the compose in it
  --tcb-info FILE         only the tcb_info of it
  --vm-config FILE        the vm_config that GetQuote answers with the quote: OS_IMAGE_HASH needs it

Output:
  --explain NAME          what an exception of ALLOW_COMPOSE would accept, and the line that binds it to that
  --json                  the report as JSON (VERIFY.md has the schema)
  --color auto|always|never

serve answers POST /v1/verify with the report of --offline --json, and has /healthz and /metrics. The body is
{"evidence": ..., "policy": "...", "collateral": ..., "at": "..."}; all but evidence may be left out:
  --listen HOST:PORT      where it answers (default 127.0.0.1:8080)
  --page DIR              what make page made, answered at /
  --root FILE             as above

Of a clone:
  --commit SHA            which commit (default HEAD's; for --checkout the one that was launched)
  --submodules none|recursive
                          for checkout: what the launch places of them (default none)
  --lfs none|fetch        for checkout: whether it places the contents of Git LFS files (default none)
  --repo-subdir DIR  --entrypoint-script FILE    for checkout: which script (default entrypoint.sh in the root)

Exit codes:
  0  VERIFIED
  1  UNDECIDED: an expectation is missing, or collateral or a file can't be had
  2  usage
  3  NOT VERIFIED: the evidence is not what it claims to be
  4  NOT VERIFIED: genuine, but not what the policy allows
`
}
