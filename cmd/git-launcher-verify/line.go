package main

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gitlauncher/internal/address"
	"gitlauncher/internal/cli"
	"gitlauncher/internal/pccs"
	"gitlauncher/policy"
)

// line is the command line as it is given. [program.settings] makes sense of it.
type line struct {
	settings
	known             []policy.Key  // the table of keys
	keys              policy.Policy // replaces what the policy files say
	wrong             error         // the first flag of a key that makes no sense
	policies          []string
	catalogues        []string
	instant, rootFile string
	wanted            string // the commit
}

// shown are the flags that the help of a command has. That of verify has all but those of
// other commands, by headings.
var shown = map[string]string{
	"inspect":  "json quote event-log info tcb-info vm-config nonce allow-private",
	"system":   "json os-image os-image-hash acpi-tables policy systems quote event-log info tcb-info vm-config nonce allow-private",
	"checkout": "json commit submodules lfs repo-subdir entrypoint-script",
	"policy":   "from policy systems at collateral pccs offline root provenance trusted-root image nonce allow-private",
}

const ofOthers = "from submodules lfs"

// flags adds the flags of a command. Each that reads something takes all there are, so that a
// line keeps its flags when its command becomes another; help has those that mean something
// to it, and [settings.check] refuses those that would mean something else.
func (l *line) flags(fs *pflag.FlagSet, command string) {
	if command == "systems" {
		l.systemFiles(fs)
		return
	}
	for _, group := range []struct {
		heading string
		add     func(*pflag.FlagSet)
	}{
		{"Expectations:", l.expectations},
		{"What it is judged by:", l.judges},
		{"Evidence in parts, instead of or beside EVIDENCE:", l.parts},
		{"Output:", l.output},
		{"Of a clone:", l.clone},
	} {
		group.add(fs)
		if command == defaultCommand {
			cli.Under(fs, group.heading)
		}
	}
	names, some := shown[command]
	if !some {
		names = ofOthers
	}
	listed := strings.Fields(names)
	fs.VisitAll(func(f *pflag.Flag) { f.Hidden = slices.Contains(listed, f.Name) != some })
}

func (l *line) expectations(fs *pflag.FlagSet) {
	cli.Texts(fs, &l.policies, "policy", "FILE", "a file of KEY=VALUE lines")
	for _, key := range l.known {
		form, help := key.Form, key.Help
		add := func(v string) error { return key.Add(&l.keys, v) }
		switch key.Flag() {
		case "collateral": // a file, or the key's own word
			form = "FILE|" + form
			help = "what Intel says of the platform, as JSON with the nine fields of QuoteCollateralV3; default: Intel's present one is fetched, and without it the evidence's own leaves the verdict open. “evidence” accepts that: " + strings.TrimPrefix(help, "that ")
			word := add
			add = func(v string) error {
				if v == "evidence" {
					return word(v)
				}
				l.collateral = v
				return nil
			}
		case "nonce":
			form += "|random"
			help += ". “random”: one of this run, with which evidence by its address is asked for (?nonce=HEX); a bound key says whom one talks to only with one"
			given := add
			add = func(v string) error {
				if v == "random" {
					v, l.asked = address.Nonce(), true
				}
				return given(v)
			}
		}
		cli.Func(fs, key.Flag(), form, help, func(v string) error {
			if err := add(v); err != nil && l.wrong == nil {
				l.wrong = cli.Usagef("--%s: %w", key.Flag(), err)
			}
			return nil
		})
	}
}

func (l *line) systemFiles(fs *pflag.FlagSet) {
	cli.Texts(fs, &l.catalogues, "systems", "FILE", "systems beside those that this program knows, or in their place (VERIFY.md)")
}

func (l *line) judges(fs *pflag.FlagSet) {
	l.systemFiles(fs)
	cli.Text(fs, &l.instant, "at", "TIME", "", "as of a moment, RFC 3339; default: now")
	cli.Text(fs, &l.pccs, "pccs", "URL", "", "where collateral is fetched; default: "+pccs.Intel)
	fs.BoolVar(&l.offline, "offline", false, "fetch nothing")
	fs.BoolVar(&l.private, "allow-private", false, "evidence by its address may be at a private or loopback one")
	cli.Text(fs, &l.rootFile, "root", "FILE", "", "trust this root certificate (PEM) instead of Intel's: dstack-sim's. It proves nothing about hardware, and the verdict says so")
	cli.Text(fs, &l.provenance, "provenance", "FILE|registry", "", "the Sigstore bundle of the launcher image, or several as JSON lines, of which one must hold; “registry”: from the image's registry")
	cli.Text(fs, &l.trustedRoot, "trusted-root", "FILE", "", "Sigstore's trusted_root.json; default: fetched through TUF")
	cli.Texts(fs, &l.images, "image", "IMAGE", "where a derived launcher image and its base are, for LAUNCHER_BASE_DIGEST: a folder or an archive in OCI's layout (docker save writes one), or a name in a registry")
	cli.Text(fs, &l.checkout, "checkout", "DIR", "", "a local clone; tree, content and entry script are recomputed from it")
	cli.Text(fs, &l.evidence, "from", "EVIDENCE", "", "the evidence, as for verify")
}

func (l *line) parts(fs *pflag.FlagSet) {
	cli.Text(fs, &l.quote, "quote", "FILE", "", "the quote, binary or hex")
	cli.Text(fs, &l.eventLog, "event-log", "FILE", "", "the event log, JSON")
	cli.Text(fs, &l.info, "info", "FILE", "", "the guest agent's Info answer, with the compose in it")
	cli.Text(fs, &l.tcbInfo, "tcb-info", "FILE", "", "only the tcb_info of it")
	cli.Text(fs, &l.vmConfig, "vm-config", "FILE", "", "the vm_config that GetQuote answers with the quote: OS_IMAGE_HASH needs it")
}

func (l *line) output(fs *pflag.FlagSet) {
	cli.Text(fs, &l.explained, "explain", "NAME", "", "what an exception of ALLOW_COMPOSE would accept, and the line that binds it to that")
	fs.BoolVar(&l.batch, "batch", false, "judge a file of JSON lines, or a folder of files: one JSON line each")
	fs.BoolVar(&l.json, "json", false, "as JSON (schema describes that of verify)")
	cli.Text(fs, &l.color, "color", "auto|always|never", "auto", "NO_COLOR counts where it is auto")
}

func (l *line) clone(fs *pflag.FlagSet) {
	cli.Text(fs, &l.wanted, "commit", "SHA", "", "which commit; default: HEAD's, for --checkout the one that was launched")
	cli.Text(fs, &l.submodules, "submodules", "none|recursive", "", "what the launch places of them; default: none")
	cli.Text(fs, &l.lfs, "lfs", "none|fetch", "", "whether the launch places the contents of Git LFS files; default: none")
}
