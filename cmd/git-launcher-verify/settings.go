package main

import (
	"errors"
	"flag"
	"io"
	"net/url"
	"strings"
	"time"

	"gitlauncher/config"
	"gitlauncher/gitpin/object"
	"gitlauncher/internal/address"
	"gitlauncher/measure"
	"gitlauncher/policy"
	"gitlauncher/verify/boot"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/system/catalogue"
)

var errHelp = errors.New("help wanted")

// settings is the command line, checked, with the files that it names read.
type settings struct {
	evidence string          // a file's name, an address, "-", or empty
	fetched  []byte          // what is at the address
	peer     measure.KeyHash // whose TLS connection it came by
	private  bool            // addresses that are not public, too
	policy   *policy.Policy
	systems  *catalogue.Catalogue
	root     *quote.Root
	at       time.Time
	atGiven  bool // by --at

	collateral, pccs        string
	offline                 bool
	provenance, trustedRoot string
	checkout                string
	submodules, lfs         string // of the command checkout

	quote, eventLog, info, tcbInfo, vmConfig string

	explained string   // an exception's name
	images    []string // where a derived image and its base are

	json, batch bool
	asked       bool // the nonce is of this run
	color       string

	commit object.ID // zero: none was named
}

func (p *program) parse(command string, args []string) (*settings, error) {
	s := &settings{policy: new(policy.Policy), systems: catalogue.BuiltIn()}
	var at, root, commit string
	var policies, systems []string
	flags := new(policy.Policy) // replaces what the policy files say
	var wrong error             // the first flag of a key that makes no sense
	fs := flag.NewFlagSet("git-launcher-verify", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	for name, to := range map[string]*string{
		"at": &at, "root": &root, "pccs": &s.pccs, "provenance": &s.provenance, "trusted-root": &s.trustedRoot,
		"checkout": &s.checkout, "submodules": &s.submodules, "lfs": &s.lfs, "quote": &s.quote, "event-log": &s.eventLog, "info": &s.info, "tcb-info": &s.tcbInfo, "vm-config": &s.vmConfig, "from": &s.evidence, "explain": &s.explained, "commit": &commit,
	} {
		fs.StringVar(to, name, "", "")
	}
	fs.StringVar(&s.color, "color", "auto", "")
	fs.BoolVar(&s.json, "json", false, "")
	fs.BoolVar(&s.batch, "batch", false, "")
	fs.BoolVar(&s.offline, "offline", false, "")
	fs.BoolVar(&s.private, "allow-private", false, "")
	fs.Func("image", "", func(v string) error { s.images = append(s.images, v); return nil })
	fs.Func("policy", "", func(v string) error { policies = append(policies, v); return nil })
	fs.Func("systems", "", func(v string) error { systems = append(systems, v); return nil })
	for _, key := range policy.Keys() {
		add := func(v string) error { return key.Add(flags, v) }
		if key.Flag() == "collateral" { // a file, or the key's own word
			word := add
			add = func(v string) error {
				if v == "evidence" {
					return word(v)
				}
				s.collateral = v
				return nil
			}
		}
		if key.Flag() == "nonce" {
			given := add
			add = func(v string) error {
				if v == "random" {
					v, s.asked = address.Nonce(), true
				}
				return given(v)
			}
		}
		fs.Func(key.Flag(), "", func(v string) error {
			if err := add(v); err != nil && wrong == nil {
				wrong = usagef("--%s: %w", key.Flag(), err)
			}
			return nil
		})
	}
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return nil, errHelp
	case err != nil:
		return nil, &usageError{err}
	case wrong != nil:
		return nil, wrong
	}
	for _, name := range policies {
		if err := s.readPolicy(p, name); err != nil {
			return nil, err
		}
	}
	if err := s.policy.Override(flags); err != nil {
		return nil, &usageError{err}
	}
	for _, name := range systems {
		if err := s.readSystems(p, name); err != nil {
			return nil, err
		}
	}
	if _, err := boot.Images(s.policy, s.systems); err != nil {
		return nil, usagef("OS_IMAGE: %w; “git-launcher-verify systems” lists them, and --systems FILE adds some", err)
	}
	if err := s.judgedBy(p, at, root); err != nil {
		return nil, err
	}
	if commit != "" {
		id, err := object.ParseID(commit)
		if err != nil {
			return nil, usagef("--commit %w", err)
		}
		s.commit = id
	}
	return s, s.check(command, fs)
}

// readPolicy adds a policy file. Several add up.
func (s *settings) readPolicy(p *program, name string) error {
	data, err := p.files.Read(name, config.MaxSize)
	if err != nil {
		return &usageError{err}
	}
	return s.policy.Read(name, data)
}

// readSystems adds a file to the catalogue, and replaces what both have.
func (s *settings) readSystems(p *program, name string) error {
	data, err := p.files.Read(name, catalogue.MaxFile)
	if err != nil {
		return &usageError{err}
	}
	if s.systems, err = s.systems.With(data); err != nil {
		return usagef("--systems %s: %w", name, err)
	}
	return nil
}

// maxRoot bounds a file with one certificate, in bytes.
const maxRoot = 1 << 20

func (s *settings) judgedBy(p *program, at, root string) (err error) {
	if s.at, s.atGiven = p.now(), at != ""; s.atGiven {
		if s.at, err = time.Parse(time.RFC3339, at); err != nil {
			return usagef("--at is not a time of RFC 3339, as in 2026-08-20T00:00:00Z")
		}
	}
	if root == "" {
		s.root, err = quote.IntelRoot()
		return err
	}
	data, err := p.files.Read(root, maxRoot)
	if err != nil {
		return &usageError{err}
	}
	if s.root, err = quote.ParseRoot(data); err != nil {
		return usagef("--root %s: %w", root, err)
	}
	return nil
}

func (s *settings) check(command string, fs *flag.FlagSet) error {
	parts := s.quote != ""
	switch {
	case fs.NArg() > 1:
		return usagef("there is one %s, but %d were given (flags come before it)", map[bool]string{true: "DIR", false: "EVIDENCE"}[command == "checkout"], fs.NArg())
	case s.evidence != "" && (command != "policy" || fs.NArg() > 0):
		return usagef("--from is for “policy --from EVIDENCE”")
	case fs.NArg() == 1:
		s.evidence = fs.Arg(0)
	}
	switch {
	case command == "systems" && (s.evidence != "" || parts):
		return usagef("systems takes no evidence")
	case command == "systems":
	case command == "checkout" && s.evidence == "":
		return usagef("checkout needs the directory of a clone")
	case s.evidence == "" && !parts:
		return usagef("no evidence is given: a file with a launch receipt, say, or - for standard input")
	case s.evidence != "" && parts:
		return usagef("--quote is evidence in parts; give it or EVIDENCE")
	case s.batch && (parts || command != "verify" || s.info != "" || s.tcbInfo != "" || s.vmConfig != "" || s.eventLog != "" || s.checkout != "" || s.provenance == fromTheRegistry):
		return usagef("--batch takes evidence that is whole, and no parts, --checkout or --provenance registry")
	case len(s.images) > 0 && !s.policy.LauncherBaseDigest.Given():
		return usagef("--image needs LAUNCHER_BASE_DIGEST: the audited launcher that the image was derived from")
	case len(s.images) > 0 && s.batch:
		return usagef("--image is for one evidence")
	case address.Is(s.evidence) && (s.offline || s.batch):
		return usagef("--offline and --batch take no address; save what is there to a file")
	case s.asked && !address.Is(s.evidence):
		return usagef("--nonce random is for evidence by its address; a file was made for another nonce")
	case s.private && !address.Is(s.evidence):
		return usagef("--allow-private is for evidence by its address")
	case s.explained != "" && (command != "verify" || s.batch):
		return usagef("--explain is for one evidence")
	case s.color != "auto" && s.color != "always" && s.color != "never":
		return usagef("--color is not auto, always or never")
	case s.collateral != "" && s.pccs != "":
		return usagef("--collateral and --pccs exclude each other")
	case s.offline && (s.pccs != "" || s.provenance == fromTheRegistry):
		return usagef("--offline fetches nothing, and --pccs and --provenance registry are fetched")
	case !s.commit.IsZero() && command != "checkout" && s.checkout == "":
		return usagef("--commit is for checkout and --checkout; the commit to expect is --commit-sha")
	case s.submodules+s.lfs != "" && command != "checkout":
		return usagef("--submodules and --lfs are for the command checkout; with --checkout the launch record says what was placed")
	case s.submodules != "" && s.submodules != "none" && s.submodules != "recursive":
		return usagef("--submodules is neither none nor recursive")
	case s.lfs != "" && s.lfs != "none" && s.lfs != "fetch":
		return usagef("--lfs is neither none nor fetch")
	case s.provenance != "" && !s.policy.ProvenanceRepo.Given():
		return usagef("--provenance needs PROVENANCE_REPO: whose builds are to be accepted")
	case s.trustedRoot != "" && !s.policy.ProvenanceRepo.Given():
		return usagef("--trusted-root needs PROVENANCE_REPO: whose builds are to be accepted")
	}
	if s.pccs != "" {
		if u, err := url.Parse(s.pccs); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
			return usagef("--pccs is not an http or https address without credentials")
		}
		s.pccs = strings.TrimRight(s.pccs, "/")
	}
	return nil
}
