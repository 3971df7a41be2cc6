package compose

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gitlauncher/config"
	"gitlauncher/internal/composeenv"
	"gitlauncher/internal/launcherflags"
	"gitlauncher/verify/compose/model"
)

// flag judges a flag that a variable or the command sets. bad adds a refusal, whose
// what continues "sets NAME". expect adds what needs an expectation.
func (j *judge) flag(name, value string, bad func(what, why string), expect func(why string)) {
	switch name {
	case "measure":
		if !slices.Contains([]string{"auto", "record", "pinned"}, value) {
			bad(fmt.Sprintf(" to %.40q", value), "the launcher does not take it")
			return
		}
		j.Measure = value
	case "approved":
		if !j.expect.Image || value != "none" {
			bad(fmt.Sprintf(" to %.100q", value), "another file decides which image runs")
			return
		}
		j.noApproved = true
	case "receipt":
		if !strings.HasSuffix(value, ".json") {
			bad(fmt.Sprintf(" to %.100q", value), "the receipt carries the compose, and must not become a program that the workload runs; it is a .json file")
			return
		}
		if value != "/run/git-launcher/receipt.json" {
			expect("the receipt may replace a file of the workload")
		}
	case "dstack-endpoint":
		bad("", "it means another guest agent than the VM's")
	default:
		// A compose may set only quiet flags and those above.
		if f, _ := launcherflags.Lookup(name); f.Effect != launcherflags.Quiet {
			bad("", "that flag is not known to be harmless")
		}
	}
}

// command judges the launcher's arguments: they may be known flags, and the config that
// is judged.
func (j *judge) command(value any, bad func(key, what, why string)) {
	words, ok := commandWords(value)
	if !ok {
		bad("command", "has a command with quotes or a shell's signs", "it is judged word by word; write it as a list")
		return
	}
	if len(words) > 0 && words[0] == "run" && !j.expect.Image {
		words = words[1:]
	}
	mode := "run"
	if j.expect.Image {
		mode = "image"
	}
	set, rest, err := launcherflags.Read(mode, words)
	for _, f := range set {
		if f.Name == "platform" {
			if f.Value != "tee" {
				bad("command", "its command has --platform other than tee", "the launch is then not measured")
			}
			continue
		}
		j.flag(f.Name, f.Value, func(what, why string) {
			bad("command", fmt.Sprintf("its command sets --%.60s%s", f.Name, what), why)
		}, func(why string) {
			if !j.allow.FilePinned {
				j.open("service "+j.Service, j.keyException("command"), fmt.Sprintf("its command sets --%.60s", f.Name), why+"; nobody expects it", "DOCKER_COMPOSE_SHA256="+j.DockerComposeSHA256)
			}
		})
	}
	var unknown *launcherflags.UnknownError
	switch {
	case errors.As(err, &unknown):
		why := "that flag is not known to be harmless"
		if unknown.Name == "approved" {
			why = "another file decides which image runs"
		}
		bad("command", fmt.Sprintf("its command sets --%.60s", unknown.Name), why)
	case err != nil:
		bad("command", "in its command "+err.Error(), "the launcher does not start with it")
	case len(rest) > 0 && (j.expect.Image || len(rest) > 1 || rest[0] != config.DefaultFile):
		bad("command", fmt.Sprintf("its command has %.60q", rest[0]), "it means another config, or another command, than the one that is judged")
	}
}

// commandWords splits a command into words. ok is false for a string with a shell's
// signs, on which its readers differ.
func commandWords(value any) (words []string, ok bool) {
	if s, is := value.(string); is {
		return strings.Fields(s), composeenv.PlainWords(s)
	}
	return model.Texts(value), true
}
