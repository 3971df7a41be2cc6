package main

// What --help says of the program and its commands, and the manual after it.
const (
	about = `Evidence says what ran in a confidential VM. It is a launch receipt of git-launcher
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

A command is the first word. A line that begins with none is one of the command verify,
whose flags "git-launcher-verify verify --help" lists. Flags may stand before EVIDENCE or
behind it. A file whose name is that of a command is ./NAME.

Exit codes:
  0  VERIFIED
  1  UNDECIDED: an expectation is missing, or collateral or a file can't be had
  2  usage
  3  NOT VERIFIED: the evidence is not what it claims to be
  4  NOT VERIFIED: genuine, but not what the policy allows`
	examples = `  git-launcher-verify --policy policy.conf receipt.json
  git-launcher-verify --policy policy.conf --nonce random https://host/receipt
  git-launcher-verify policy --from receipt.json >policy.conf   # the first time: make one, review each line, judge by it
  git-launcher-verify system receipt.json`

	aboutVerify = `verify judges evidence, and prints every check in a table, the verdict, and the first
reason for it. It is the command of a line that begins with none.

Expectations come from files of KEY=VALUE lines and from flags. A flag replaces what the
files say of its key. A key may repeat, and hashes, ids and names may be comma lists: that
means "one of", but for settings and for what is accepted it means "all". In a file,
--commit-sha is COMMIT_SHA.

A simulator's evidence needs --root and --collateral (make demo OUT=DIR leaves some).`
	verifyExamples = `  git-launcher-verify --policy policy.conf receipt.json
  git-launcher-verify receipt.json --os-image dstack-0.6.6 --launcher-image-digest sha256:... --commit-sha ...
  git-launcher-verify --policy policy.conf --batch --json receipts/
  git-launcher-verify --policy policy.conf --explain service:proxy receipt.json`

	aboutInspect = `inspect prints what is in evidence: the quote's registers, the events of RTMR3, the
compose. It judges nothing: what it prints may be forged.`
	inspectExamples = `  git-launcher-verify inspect receipt.json
  git-launcher-verify inspect --json --quote quote.bin --info info.json`

	aboutSystem = `system explains check B: each event of the registers, what it comes from, and policy lines
that expect this system. Without OS_IMAGE or OS_IMAGE_HASH it takes the image that the
evidence claims, and says so.

Exit code: that of check B.`
	systemExamples = `  git-launcher-verify system receipt.json
  git-launcher-verify system --os-image dstack-0.6.6 receipt.json`

	aboutSystems    = `systems lists the systems that OS_IMAGE can name, with their sources and known flaws.`
	systemsExamples = `  git-launcher-verify systems
  git-launcher-verify systems --systems mine.json`

	aboutCheckout = `checkout prints the digests of a local clone, in the words of a policy, to compare with a
launch record. The clone is read, and no program of it runs.`
	checkoutExamples = `  git-launcher-verify checkout workload
  git-launcher-verify checkout --commit ... --submodules recursive --lfs fetch workload`

	aboutPolicy = `policy makes a policy that expects just what an evidence holds. Whoever judges by it
trusts that evidence, so review each line first. What nobody can decide for its reader
is in it as comments. Evidence that is not what it claims to be makes none.

A simulator's evidence needs --root and --collateral here, too.`
	policyExamples = `  git-launcher-verify policy --from receipt.json >policy.conf
  git-launcher-verify --policy policy.conf receipt.json`

	aboutSchema = `schema prints the JSON Schema (draft 2020-12) of the report that --json prints. It is made
from the program's own types: other keys, and other words where there are some to choose
from, are in no report of this program.`
	schemaExamples = `  git-launcher-verify schema >report.schema.json`

	aboutServe = `serve answers POST /v1/verify with the report of --offline --json, and has /healthz and
/metrics. The body is {"evidence": ..., "policy": "...", "collateral": ..., "at": "..."}; all
but evidence may be left out. It keeps nothing and fetches nothing, and has no TLS.`
	serveExamples = `  git-launcher-verify serve
  git-launcher-verify serve --listen :8080 --page bin/page`
)
