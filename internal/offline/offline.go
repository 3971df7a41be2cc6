// Package offline judges what it gets in one piece: evidence, a policy, and what both
// are judged by. The page in a browser and the service use it, and the report is byte
// for byte that of “git-launcher-verify --offline --json”.
//
// Threat: all of it comes from strangers, and nothing that it names is fetched, opened
// or run. Errors say whose fault it is, since the command says so by its exit code.
//
// What it does not judge: bundles of check F, images and clones; the command does.
package offline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gitlauncher/config"
	"gitlauncher/policy"
	"gitlauncher/verify"
	"gitlauncher/verify/boot"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/report"
	"gitlauncher/verify/system/catalogue"
)

// File is one file, with the name that errors call it by.
type File struct {
	Name string
	Role Role
	Data []byte
}

// InvalidError says that evidence can't be read, or is not what it claims to be (exit
// code 3). Every other error is the reader's own: a policy, say, that makes no sense
// (exit code 2).
type InvalidError struct{ err error }

func (e *InvalidError) Error() string { return e.err.Error() }
func (e *InvalidError) Unwrap() error { return e.err }

// Judge judges the evidence among the files by the rest of them, as of a moment.
func Judge(ctx context.Context, files []File, at time.Time) (*report.Report, error) {
	p := verify.Params{Policy: new(policy.Policy), Systems: catalogue.BuiltIn(), At: at}
	for _, f := range files {
		if err := expect(&p, f); err != nil {
			return nil, err
		}
	}
	if p.Root == nil {
		var err error
		if p.Root, err = quote.IntelRoot(); err != nil {
			return nil, err
		}
	}
	if _, err := boot.Images(p.Policy, p.Systems); err != nil {
		return nil, fmt.Errorf("OS_IMAGE: %w; “git-launcher-verify systems” lists them, and --systems FILE adds some", err)
	}
	e, err := handed(files)
	if err != nil {
		return nil, err
	}
	return verify.Judge(ctx, e, p), nil
}

// largest are the bounds on files that are not evidence, in bytes.
var largest = map[Role]int{Policy: config.MaxSize, Systems: catalogue.MaxFile, Root: 1 << 20, Collateral: quote.MaxCollateral}

func tooLarge(f File, most int) error {
	if most < 1<<20 {
		return fmt.Errorf("%s is larger than %d KiB", f.Name, most>>10)
	}
	return fmt.Errorf("%s is larger than %d MiB", f.Name, most>>20)
}

// expect adds a file that evidence is judged by.
func expect(p *verify.Params, f File) (err error) {
	if most, ok := largest[f.Role]; ok && len(f.Data) > most {
		return tooLarge(f, most)
	}
	once := func(there bool) error {
		if there {
			return fmt.Errorf("%s: there is one %s already", f.Name, f.Role)
		}
		return nil
	}
	switch f.Role {
	case Policy:
		return p.Policy.Read(f.Name, f.Data)
	case Systems:
		if p.Systems, err = p.Systems.With(f.Data); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	case Root:
		if err = once(p.Root != nil); err == nil {
			p.Root, err = quote.ParseRoot(f.Data)
		}
	case Collateral:
		if err = once(p.Collateral != nil); err == nil {
			p.Collateral, err = quote.ParseCollateral(f.Data)
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	return nil
}

// handed reads the evidence, whole or in parts.
func handed(files []File) (*evidence.Evidence, error) {
	e := &evidence.Evidence{Kind: evidence.KindParts}
	whole, quote := "", ""
	for _, f := range files {
		var err error
		switch {
		case f.Role != Evidence:
			if f.Role == Quote {
				quote = f.Name
			}
			continue
		case whole != "":
			return nil, fmt.Errorf("%s and %s are two pieces of evidence; judge them one after the other", whole, f.Name)
		}
		if whole = f.Name; len(f.Data) > evidence.MaxSize {
			return nil, &InvalidError{tooLarge(f, evidence.MaxSize)}
		}
		if e, err = evidence.Parse(f.Data); err != nil {
			return nil, &InvalidError{fmt.Errorf("%s: %w", f.Name, err)}
		}
	}
	switch {
	case whole == "" && quote == "":
		return nil, errors.New("no evidence is given: a file with a launch receipt, say")
	case whole != "" && quote != "":
		return nil, fmt.Errorf("%s is a quote, which is evidence in parts; give it or %s", quote, whole)
	}
	// The order is the command's: each part fills what those before it left empty.
	for _, role := range []Role{Quote, EventLog, Info, TCBInfo, VMConfig} {
		for _, f := range files {
			if f.Role != role {
				continue
			}
			if err := part(e, f); err != nil {
				return nil, err
			}
		}
	}
	return e, nil
}

// part adds a part of the evidence.
func part(e *evidence.Evidence, f File) error {
	if len(f.Data) > evidence.MaxSize {
		return &InvalidError{tooLarge(f, evidence.MaxSize)}
	}
	set := map[Role]func([]byte) error{Quote: e.SetQuote, EventLog: e.SetLog, Info: e.SetInfo, TCBInfo: e.SetTCBInfo, VMConfig: e.SetVMConfig}[f.Role]
	if err := set(f.Data); err != nil {
		return &InvalidError{fmt.Errorf("%s: %w", f.Name, err)}
	}
	return nil
}
