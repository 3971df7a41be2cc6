package main

import (
	"net/url"
	"strings"
	"time"

	"gitlauncher/config"
	"gitlauncher/gitpin/object"
	"gitlauncher/internal/address"
	"gitlauncher/internal/cli"
	"gitlauncher/measure"
	"gitlauncher/policy"
	"gitlauncher/verify/boot"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/system/catalogue"
)

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

// settings makes sense of the command line of a command.
func (p *program) settings(l *line, command string, args []string) (*settings, error) {
	s := &l.settings
	s.policy, s.systems = new(policy.Policy), catalogue.BuiltIn()
	if l.wrong != nil {
		return nil, l.wrong
	}
	for _, name := range l.policies {
		if err := s.readPolicy(p, name); err != nil {
			return nil, err
		}
	}
	if err := s.policy.Override(&l.keys); err != nil {
		return nil, &cli.UsageError{Err: err}
	}
	for _, name := range l.catalogues {
		if err := s.readSystems(p, name); err != nil {
			return nil, err
		}
	}
	if _, err := boot.Images(s.policy, s.systems); err != nil {
		return nil, cli.Usagef("OS_IMAGE: %w; “git-launcher-verify systems” lists them, and --systems FILE adds some", err)
	}
	if err := s.judgedBy(p, l.instant, l.rootFile); err != nil {
		return nil, err
	}
	if l.wanted != "" {
		id, err := object.ParseID(l.wanted)
		if err != nil {
			return nil, cli.Usagef("--commit %w", err)
		}
		s.commit = id
	}
	return s, s.check(command, args)
}

// readPolicy adds a policy file. Several add up.
func (s *settings) readPolicy(p *program, name string) error {
	data, err := p.files.Read(name, config.MaxSize)
	if err != nil {
		return cli.Usagef("--policy: %w", err)
	}
	return s.policy.Read(name, data)
}

// readSystems adds a file to the catalogue, and replaces what both have.
func (s *settings) readSystems(p *program, name string) error {
	data, err := p.files.Read(name, catalogue.MaxFile)
	if err != nil {
		return &cli.UsageError{Err: err}
	}
	if s.systems, err = s.systems.With(data); err != nil {
		return cli.Usagef("--systems %s: %w", name, err)
	}
	return nil
}

// maxRoot bounds a file with one certificate, in bytes.
const maxRoot = 1 << 20

func (s *settings) judgedBy(p *program, at, root string) (err error) {
	if s.at, s.atGiven = p.now(), at != ""; s.atGiven {
		if s.at, err = time.Parse(time.RFC3339, at); err != nil {
			return cli.Usagef("--at is not a time of RFC 3339, as in 2026-08-20T00:00:00Z")
		}
	}
	if root == "" {
		s.root, err = quote.IntelRoot()
		return err
	}
	data, err := p.files.Read(root, maxRoot)
	if err != nil {
		return &cli.UsageError{Err: err}
	}
	if s.root, err = quote.ParseRoot(data); err != nil {
		return cli.Usagef("--root %s: %w", root, err)
	}
	return nil
}

func (s *settings) check(command string, args []string) error {
	parts := s.quote != ""
	switch {
	case len(args) > 1:
		return cli.Usagef("there is one %s, but %d were given", map[bool]string{true: "DIR", false: "EVIDENCE"}[command == "checkout"], len(args))
	case s.evidence != "" && (command != "policy" || len(args) > 0):
		return cli.Usagef("--from is for “policy --from EVIDENCE”")
	case len(args) == 1:
		s.evidence = args[0]
	}
	switch {
	case command == "systems" && (s.evidence != "" || parts):
		return cli.Usagef("systems takes no evidence")
	case command == "systems":
	case command == "checkout" && s.evidence == "":
		return cli.Usagef("checkout needs the directory of a clone")
	case s.evidence == "" && !parts:
		return cli.Usagef("no evidence is given: a file with a launch receipt, say, or - for standard input")
	case s.evidence != "" && parts:
		return cli.Usagef("--quote is evidence in parts; give it or EVIDENCE")
	case s.batch && (parts || command != "verify" || s.info != "" || s.tcbInfo != "" || s.vmConfig != "" || s.eventLog != "" || s.checkout != "" || s.provenance == fromTheRegistry):
		return cli.Usagef("--batch takes evidence that is whole, and no parts, --checkout or --provenance registry")
	case len(s.images) > 0 && !s.policy.LauncherBaseDigest.Given():
		return cli.Usagef("--image needs LAUNCHER_BASE_DIGEST: the audited launcher that the image was derived from")
	case len(s.images) > 0 && s.batch:
		return cli.Usagef("--image is for one evidence")
	case address.Is(s.evidence) && (s.offline || s.batch):
		return cli.Usagef("--offline and --batch take no address; save what is there to a file")
	case s.asked && !address.Is(s.evidence):
		return cli.Usagef("--nonce random is for evidence by its address; a file was made for another nonce")
	case s.private && !address.Is(s.evidence):
		return cli.Usagef("--allow-private is for evidence by its address")
	case s.explained != "" && (command != "verify" || s.batch):
		return cli.Usagef("--explain is for one evidence")
	case s.color != "auto" && s.color != "always" && s.color != "never":
		return cli.Usagef("--color is not auto, always or never")
	case s.collateral != "" && s.pccs != "":
		return cli.Usagef("--collateral and --pccs exclude each other")
	case s.offline && (s.pccs != "" || s.provenance == fromTheRegistry):
		return cli.Usagef("--offline fetches nothing, and --pccs and --provenance registry are fetched")
	case !s.commit.IsZero() && command != "checkout" && s.checkout == "":
		return cli.Usagef("--commit is for checkout and --checkout; the commit to expect is --commit-sha")
	case s.submodules+s.lfs != "" && command != "checkout":
		return cli.Usagef("--submodules and --lfs are for the command checkout; with --checkout the launch record says what was placed")
	case s.submodules != "" && s.submodules != "none" && s.submodules != "recursive":
		return cli.Usagef("--submodules is neither none nor recursive")
	case s.lfs != "" && s.lfs != "none" && s.lfs != "fetch":
		return cli.Usagef("--lfs is neither none nor fetch")
	case s.provenance != "" && !s.policy.ProvenanceRepo.Given():
		return cli.Usagef("--provenance needs PROVENANCE_REPO: whose builds are to be accepted")
	case s.trustedRoot != "" && !s.policy.ProvenanceRepo.Given():
		return cli.Usagef("--trusted-root needs PROVENANCE_REPO: whose builds are to be accepted")
	}
	if s.pccs != "" {
		if u, err := url.Parse(s.pccs); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
			return cli.Usagef("--pccs is not an http or https address without credentials")
		}
		s.pccs = strings.TrimRight(s.pccs, "/")
	}
	return nil
}
