package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gitlauncher/gitpin/object"
	"gitlauncher/internal/digest"
	"gitlauncher/measure"
)

// Policy is what a reader expects. A field that was not given expects nothing.
type Policy struct {
	// The system.
	MRTD, RTMR0, RTMR1, RTMR2 OneOf[measure.Register]
	OSImageHash               OneOf[SHA256]
	TCBStatusAllowed          OneOf[TCBStatus]

	// The launcher.
	LauncherImageDigest                OneOf[digest.SHA256]
	ProvenanceRepo, ProvenanceWorkflow OneOf[Text]

	// The launch.
	CommitSHA                                                 OneOf[object.ID]
	ImageDigest                                               OneOf[digest.SHA256]
	RepoURL, RepoSubdir, EntrypointScript, RunCmd, InstallCmd OneOf[Text]
	Tree                                                      OneOf[object.ID]
	ConfigSHA256, ContentSHA256, EntrypointSHA256             OneOf[SHA256]

	// The application.
	ComposeHash               OneOf[SHA256]
	AppID                     OneOf[AppID]
	AllowedEnvs, AllowCompose OneOf[Text]

	// The quote.
	Nonce      OneOf[Nonce]
	ReportData OneOf[ReportData]
}

// Key is a key of a policy, bound to its field.
type Key struct {
	Name string // as a policy file writes it: COMMIT_SHA
	Form string // what a value is, in a word: SHA, HEX, NAME, …
	Help string // what is expected: a line without a full stop
	List bool   // a value may be several, with commas between them

	empty bool // an empty list expects something, too: that there is none
	field func(*Policy) Expectation
	add   func(p *Policy, value string) error
	give  func(p *Policy)
	take  func(p, from *Policy)
}

// Keys returns the table of all keys, in the order in which policies are written.
func Keys() []Key {
	var (
		register = kind[measure.Register]{"HEX", parseRegister, true}
		image    = kind[digest.SHA256]{"DIGEST", digest.Parse, true}
		id       = kind[object.ID]{"SHA", object.ParseID, true}
		sha256   = kind[SHA256]{"HEX", parseSHA256, true}
		text     = func(form string) kind[Text] { return kind[Text]{form, parseText, false} }
		names    = kind[Text]{"NAME", parseText, true}
	)
	keys := []Key{
		register.key("MRTD", "the quote's MRTD: the firmware. Needed for VERIFIED, as are the next three", func(p *Policy) *OneOf[measure.Register] { return &p.MRTD }),
		register.key("RTMR0", "the quote's RTMR0: the virtual hardware", func(p *Policy) *OneOf[measure.Register] { return &p.RTMR0 }),
		register.key("RTMR1", "the quote's RTMR1: the kernel", func(p *Policy) *OneOf[measure.Register] { return &p.RTMR1 }),
		register.key("RTMR2", "the quote's RTMR2: the kernel's command line and the initrd", func(p *Policy) *OneOf[measure.Register] { return &p.RTMR2 }),
		image.key("LAUNCHER_IMAGE_DIGEST", "the launcher's image. Needed for VERIFIED", func(p *Policy) *OneOf[digest.SHA256] { return &p.LauncherImageDigest }),
		id.key("COMMIT_SHA", "the launched commit. Needed for VERIFIED in git mode", func(p *Policy) *OneOf[object.ID] { return &p.CommitSHA }),
		image.key("IMAGE_DIGEST", "the launched image. Needed for VERIFIED in image mode", func(p *Policy) *OneOf[digest.SHA256] { return &p.ImageDigest }),
		text("URL").key("REPO_URL", "the repository, as in the launch record", func(p *Policy) *OneOf[Text] { return &p.RepoURL }),
		text("DIR").key("REPO_SUBDIR", "the commit's folder that runs; empty: its root", func(p *Policy) *OneOf[Text] { return &p.RepoSubdir }),
		text("FILE").key("ENTRYPOINT_SCRIPT", "the script that runs", func(p *Policy) *OneOf[Text] { return &p.EntrypointScript }),
		text("COMMAND").key("RUN_CMD", "the command that runs instead of a script", func(p *Policy) *OneOf[Text] { return &p.RunCmd }),
		text("COMMAND").key("INSTALL_CMD", "the command that runs before RUN_CMD; empty: none", func(p *Policy) *OneOf[Text] { return &p.InstallCmd }),
		sha256.key("CONFIG_SHA256", "SHA-256 of the launcher's config", func(p *Policy) *OneOf[SHA256] { return &p.ConfigSHA256 }),
		id.key("TREE", "the commit's root tree", func(p *Policy) *OneOf[object.ID] { return &p.Tree }),
		sha256.key("CONTENT_SHA256", "SHA-256 of the listing of the commit's files", func(p *Policy) *OneOf[SHA256] { return &p.ContentSHA256 }),
		sha256.key("ENTRYPOINT_SHA256", "SHA-256 of the entry script", func(p *Policy) *OneOf[SHA256] { return &p.EntrypointSHA256 }),
		sha256.key("COMPOSE_HASH", "SHA-256 of the app-compose, as in dstack's event", func(p *Policy) *OneOf[SHA256] { return &p.ComposeHash }),
		sha256.key("OS_IMAGE_HASH", "the OS image, by dstack's word; the registers are what proves the system", func(p *Policy) *OneOf[SHA256] { return &p.OSImageHash }),
		kind[AppID]{"HEX", parseAppID, true}.key("APP_ID", "dstack's id of the application", func(p *Policy) *OneOf[AppID] { return &p.AppID }),
		kind[TCBStatus]{"STATUS", parseTCBStatus, true}.key("TCB_STATUS_ALLOWED", "statuses that pass beside UpToDate, for platform, module and QE each; Revoked can't", func(p *Policy) *OneOf[TCBStatus] { return &p.TCBStatusAllowed }),
		names.orNone("ALLOWED_ENVS", "variables that the app-compose's allowed_envs may have; empty: none", func(p *Policy) *OneOf[Text] { return &p.AllowedEnvs }),
		names.key("ALLOW_COMPOSE", "exceptions of check D, by the names that the report prints", func(p *Policy) *OneOf[Text] { return &p.AllowCompose }),
		text("OWNER/NAME").key("PROVENANCE_REPO", "the repository that built the launcher's image", func(p *Policy) *OneOf[Text] { return &p.ProvenanceRepo }),
		text("FILE").key("PROVENANCE_WORKFLOW", "the workflow file that built the launcher's image", func(p *Policy) *OneOf[Text] { return &p.ProvenanceWorkflow }),
		kind[Nonce]{"HEX", parseNonce, true}.key("NONCE", "the nonce that the receipt was asked for with", func(p *Policy) *OneOf[Nonce] { return &p.Nonce }),
		kind[ReportData]{"HEX", parseReportData, true}.key("REPORT_DATA", "the quote's report data", func(p *Policy) *OneOf[ReportData] { return &p.ReportData }),
	}
	return keys
}

// kind is how the values of some keys are read and shown.
type kind[T fmt.Stringer] struct {
	form  string
	parse func(string) (T, error)
	list  bool
}

// key binds a name to a field.
func (k kind[T]) key(name, help string, field func(*Policy) *OneOf[T]) Key {
	return Key{
		Name: name, Form: k.form, Help: help, List: k.list,
		field: func(p *Policy) Expectation { return field(p) },
		add: func(p *Policy, text string) error {
			v, err := k.parse(text)
			if err != nil {
				return err
			}
			field(p).values = append(field(p).values, v)
			return nil
		},
		give: func(p *Policy) { field(p).given = true },
		take: func(p, from *Policy) { *field(p) = *field(from) },
	}
}

// orNone is key for a list that may be empty.
func (k kind[T]) orNone(name, help string, field func(*Policy) *OneOf[T]) Key {
	out := k.key(name, help, field)
	out.empty = true
	return out
}

// Find returns the key of a name.
func Find(name string) (Key, bool) {
	keys := Keys()
	i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == name })
	if i < 0 {
		return Key{}, false
	}
	return keys[i], true
}

// Flag returns the name of the key's flag: commit-sha for COMMIT_SHA.
func (k Key) Flag() string { return strings.ToLower(strings.ReplaceAll(k.Name, "_", "-")) }

// Of returns the key's field in a policy.
func (k Key) Of(p *Policy) Expectation { return k.field(p) }

// Add adds to the key's field what a line or a flag says. The error says what is
// wrong with the value, without repeating it.
func (k Key) Add(p *Policy, value string) error {
	parts, err := k.parts(value)
	if err != nil {
		return err
	}
	for _, part := range parts {
		if err := k.add(p, part); err != nil {
			return err
		}
	}
	k.give(p)
	return nil
}

// parts splits what a line says into values.
func (k Key) parts(value string) ([]string, error) {
	switch {
	case !k.List:
		return []string{value}, nil
	case value == "" && k.empty:
		return nil, nil
	case value == "":
		return nil, errors.New("is empty")
	}
	parts := strings.Split(value, ",")
	for i := range parts {
		if parts[i] = strings.TrimSpace(parts[i]); parts[i] == "" {
			return nil, errors.New("has an empty value in its list")
		}
	}
	return parts, nil
}

// NameOf returns the name of the key of a field: p.NameOf(&p.MRTD) is MRTD. It
// panics where the field is not one of p's.
func (p *Policy) NameOf(field Expectation) string {
	for _, k := range Keys() {
		if k.field(p) == field {
			return k.Name
		}
	}
	panic("policy: NameOf needs a field of its own policy")
}
