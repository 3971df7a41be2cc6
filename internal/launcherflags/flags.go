// Package launcherflags has the launcher's flags in one table, and reads a command line
// by it as the launcher does. The launcher makes its flags from the table; check D
// reads a compose file's `command` with it.
//
// The threat is a compose file whose command means one thing to the judge and another
// to the launcher. A test in cmd/git-launcher holds [Read] to what the launcher's
// parser, package flag of Go, makes of the same words.
//
// It does not know which values a flag takes: a launcher that refuses one launches
// nothing.
package launcherflags

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Effect is what a flag can change, for a judge.
type Effect int

// The effects.
const (
	Decisive Effect = iota // what is launched or measured
	Quiet                  // what is logged, how long is waited, what is taken at most
)

// Flag is one flag of the launcher.
type Flag struct {
	Name   string
	Switch bool // has no value, or after "=" one that [strconv.ParseBool] reads
	// FlagOnly says that no variable may set it. Otherwise anyone who sets variables
	// could redirect measurements, or have another file decide what runs.
	FlagOnly bool
	Effect   Effect
	commands string
}

// The commands that share flags.
const (
	git    = "run check receipt pin"
	image  = "image" // and image check
	all    = git + " image resolve compose attest"
	agent  = git + " image attest"
	images = "image resolve"
)

var table = []Flag{
	{Name: "log-format", Effect: Quiet, commands: all},
	{Name: "log-level", Effect: Quiet, commands: all},

	{Name: "platform", commands: git + " " + image},
	{Name: "measure", commands: git + " " + image},
	{Name: "dstack-endpoint", FlagOnly: true, commands: agent},
	{Name: "dstack-timeout", Effect: Quiet, commands: agent},
	{Name: "receipt", commands: agent},
	{Name: "receipt-log", Switch: true, Effect: Quiet, commands: git + " " + image},
	{Name: "require-receipt", Switch: true, Effect: Quiet, commands: git + " " + image},
	{Name: "stall-timeout", Effect: Quiet, commands: git + " " + image},
	{Name: "lock-timeout", Effect: Quiet, commands: git + " " + image},

	{Name: "nonce", commands: git},
	{Name: "bind-spki", FlagOnly: true, commands: "receipt"},
	{Name: "bind-file", FlagOnly: true, commands: "receipt attest"},
	{Name: "listen", Effect: Quiet, commands: "attest"},
	{Name: "policy-out", FlagOnly: true, commands: git},
	{Name: "max-pack-bytes", Effect: Quiet, commands: git},
	{Name: "max-tree-bytes", Effect: Quiet, commands: git},
	{Name: "max-files", Effect: Quiet, commands: git},
	{Name: "retries", Effect: Quiet, commands: git},
	{Name: "pack-timeout", Effect: Quiet, commands: git},
	{Name: "fetch-timeout", Effect: Quiet, commands: git},
	{Name: "history", Switch: true, commands: "check pin"},
	{Name: "compose", commands: "check"},

	{Name: "image", commands: "pin"},
	{Name: "os-image", commands: "pin"},
	{Name: "env", commands: "pin"},
	{Name: "set", commands: "pin"},
	{Name: "print", commands: "pin"},
	{Name: "out", commands: "pin"},
	{Name: "auth-token-file", commands: "pin"},
	{Name: "auth-scheme", commands: "pin"},
	{Name: "tls-ca-file", commands: "pin"},
	{Name: "tls-client-cert-file", commands: "pin"},
	{Name: "tls-client-key-file", commands: "pin"},
	{Name: "ssh-key-file", commands: "pin"},
	{Name: "ssh-known-hosts-file", commands: "pin"},

	{Name: "target-platform", commands: images},
	{Name: "registry-timeout", Effect: Quiet, commands: images},
	{Name: "docker-endpoint", FlagOnly: true, commands: images},
	{Name: "engine-timeout", Effect: Quiet, commands: images},
	{Name: "json", Switch: true, commands: "resolve"},
	{Name: "registry-mirror", FlagOnly: true, commands: "resolve"},

	{Name: "shared-dir", FlagOnly: true, commands: image},
	{Name: "approved", commands: image},
	{Name: "approved-file", FlagOnly: true, commands: image},
	{Name: "user-config", FlagOnly: true, commands: image},
	{Name: "node-config", FlagOnly: true, commands: image},
	{Name: "profile", FlagOnly: true, commands: image},
	{Name: "detach", Switch: true, commands: image},
	{Name: "health-listen", Effect: Quiet, commands: image},

	{Name: "launcher", commands: "compose"},
	{Name: "node", commands: "compose"},
}

// Of returns the flags of a command: run, check, receipt, pin, image, attest, or of
// image's own resolve and compose.
func Of(command string) (flags []Flag) {
	for _, f := range table {
		if slices.Contains(strings.Fields(f.commands), command) {
			flags = append(flags, f)
		}
	}
	return flags
}

// Commands returns the commands of a flag, as they are typed.
func (f Flag) Commands() []string {
	names := strings.Fields(f.commands)
	for i, name := range names {
		if name == "resolve" || name == "compose" {
			names[i] = image + " " + name
		}
	}
	return names
}

// Variable returns the variable that sets a flag which the command line lacks.
func Variable(flag string) string {
	return "GIT_LAUNCHER_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// IsVariable reports whether a variable's name is that of one that sets a flag.
func IsVariable(name string) bool {
	return slices.ContainsFunc(table, func(f Flag) bool { return Variable(f.Name) == name })
}

// Lookup returns the flag of a name, whatever the command.
func Lookup(name string) (Flag, bool) { return find(table, name) }

func find(flags []Flag, name string) (Flag, bool) {
	i := slices.IndexFunc(flags, func(f Flag) bool { return f.Name == name })
	if i < 0 {
		return Flag{}, false
	}
	return flags[i], true
}

// Setting is a flag that a command line sets. A switch has true or false as its value.
type Setting struct {
	Flag
	Value string
}

// UnknownError says that a command lacks a flag. The word after the flag may be its
// value.
type UnknownError struct{ Name string }

func (e *UnknownError) Error() string { return fmt.Sprintf("there is no flag --%.60s", e.Name) }

// ErrSyntax says that a word is no flag, or a flag without its value.
var ErrSyntax = errors.New("is no flag as the launcher reads them")

// Read splits a command's words into its flags, in order, and the rest. On an error the
// launcher refuses the whole command line, and set has the flags before it.
func Read(command string, words []string) (set []Setting, rest []string, err error) {
	flags := Of(command)
	for len(words) > 0 {
		word := words[0]
		if len(word) < 2 || word[0] != '-' {
			break
		}
		words = words[1:]
		if word == "--" {
			break
		}
		name := strings.TrimPrefix(word[1:], "-")
		if name == "" || name[0] == '-' || name[0] == '=' {
			return set, nil, fmt.Errorf("%.60q %w", word, ErrSyntax)
		}
		name, value, has := strings.Cut(name, "=")
		f, known := find(flags, name)
		switch {
		case !known:
			return set, nil, &UnknownError{name}
		case f.Switch:
			on := true
			if has {
				if on, err = strconv.ParseBool(value); err != nil {
					return set, nil, fmt.Errorf("%.60q %w", word, ErrSyntax)
				}
			}
			value = strconv.FormatBool(on)
		case !has && len(words) == 0:
			return set, nil, fmt.Errorf("%.60q %w", word, ErrSyntax)
		case !has:
			value, words = words[0], words[1:]
		}
		set = append(set, Setting{f, value})
	}
	return set, words, nil
}
