package compose

import (
	"fmt"
	"slices"
	"strings"

	"gitlauncher/config"
	"gitlauncher/internal/composeenv"
	"gitlauncher/verify/compose/model"
)

// quiet are the launcher's flags that can't change what is launched or measured: what
// it logs, how long it waits, what it takes at most. With those that follow they are
// all that a compose may set.
var quiet = strings.Fields("log-format log-level receipt-log require-receipt max-pack-bytes max-tree-bytes max-files stall-timeout pack-timeout fetch-timeout lock-timeout dstack-timeout retries registry-timeout engine-timeout health-listen")

// switches are the flags without a value.
var switches = []string{"receipt-log", "require-receipt"}

// flag judges a flag, given as a variable or in the command. bad adds a refusal that
// goes on from "sets NAME", and expect what needs an expectation.
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
		if !slices.Contains(quiet, name) {
			bad("", "that flag is not known to be harmless")
		}
	}
}

// command judges what the launcher is called with: flags that are known, on the config
// that is judged.
func (j *judge) command(value any, bad func(key, what, why string)) {
	words, ok := commandWords(value)
	if !ok {
		bad("command", "has a command with quotes or a shell's signs", "it is judged word by word; write it as a list")
		return
	}
	if len(words) > 0 && words[0] == "run" && !j.expect.Image {
		words = words[1:]
	}
	pinned := j.allow.FilePinned
	for i := 0; i < len(words); i++ {
		name, val, has := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(words[i], "-"), "-"), "=")
		if !strings.HasPrefix(words[i], "-") || name == "" {
			if words[i] != config.DefaultFile || j.expect.Image || i+1 < len(words) {
				bad("command", fmt.Sprintf("its command has %.60q", words[i]), "it means another config, or another command, than the one that is judged")
			}
			return
		}
		if !has && !slices.Contains(switches, name) {
			if i++; i < len(words) {
				val = words[i]
			}
		}
		if name == "platform" {
			if val != "tee" {
				bad("command", "its command has --platform other than tee", "the launch is then not measured")
			}
			continue
		}
		refused := false
		j.flag(name, val, func(what, why string) {
			refused = true
			bad("command", fmt.Sprintf("its command sets --%.60s%s", name, what), why)
		}, func(why string) {
			if !pinned {
				j.open("service "+j.Service, j.keyException("command"), fmt.Sprintf("its command sets --%.60s", name), why+"; nobody expects it", "DOCKER_COMPOSE_SHA256="+j.DockerComposeSHA256)
			}
		})
		if refused {
			return // whether the next word is its value, nobody knows
		}
	}
}

// commandWords takes a command apart. A string with signs that shells read is not
// taken apart here: its readers differ.
func commandWords(value any) (words []string, ok bool) {
	if s, is := value.(string); is {
		return strings.Fields(s), composeenv.PlainWords(s)
	}
	return model.Texts(value), true
}
