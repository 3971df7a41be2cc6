package main

import (
	"fmt"
	"slices"
	"strings"
)

// command is a command that has its own help. The text of its flags is the manual's.
type command struct {
	name, usage, about string
	flags              string // by name, as they stand in the manual
	examples           [2]string
}

const (
	logFlags     = " log-format log-level"
	measureFlags = "platform measure dstack-endpoint dstack-timeout receipt receipt-log require-receipt"
	boundFlags   = " max-pack-bytes max-tree-bytes max-files stall-timeout pack-timeout fetch-timeout lock-timeout retries"
)

var commands = []command{
	{"run", "git-launcher [run] [flags] [config-file]", "Launches the commit that the config pins; config-file defaults to /etc/git-launcher/config.conf.",
		measureFlags + boundFlags + logFlags, [2]string{"git-launcher", "git-launcher --platform nontee config.conf"}},
	{"check", "git-launcher check [flags] [config-file]", "Does all but measuring and exec, in a temporary directory, and prints the launch record.",
		"policy-out compose history" + boundFlags + logFlags, [2]string{"git-launcher check config.conf", "git-launcher check --compose docker-compose.yaml --policy-out policy.conf config.conf"}},
	{"receipt", "git-launcher receipt [flags]", "Prints a fresh launch receipt of the launch that is running.",
		"nonce bind-spki bind-file receipt dstack-endpoint dstack-timeout" + logFlags, [2]string{"git-launcher receipt --nonce c0ffee >receipt.json", "git-launcher receipt --nonce c0ffee --bind-file cert.pem >receipt.json"}},
	{"attest", "git-launcher attest [flags]", "Answers strangers with fresh receipts over HTTP: GET /receipt?nonce=HEX, /healthz, /metrics.",
		"listen bind-file receipt dstack-endpoint dstack-timeout" + logFlags, [2]string{"git-launcher attest", "git-launcher attest --listen :8081 --bind-file /run/git-launcher/cert.pem"}},
	{"pin", "git-launcher pin [flags] REPO_URL [REF]", "Proves the commit that REF (a branch or tag) is now, and prints config, compose file and policy.",
		"set env image os-image print out history auth-token-file auth-scheme ssh-key-file" + boundFlags + logFlags,
		[2]string{"git-launcher pin https://github.com/you/workload.git v1", "git-launcher pin --os-image dstack-0.6.6 --out deploy https://github.com/you/workload.git"}},
	{"version", "git-launcher version", "Prints the version.", "", [2]string{"git-launcher version", "docker run --rm IMAGE version"}},
	{"image check", "git-launcher image check [flags]", "Prints what a launch of image mode would find, and what would end it. It changes nothing.",
		"platform target-platform measure approved profile shared-dir approved-file docker-endpoint dstack-endpoint engine-timeout registry-timeout",
		[2]string{"git-launcher image check --platform tee", "git-launcher image check --platform nontee --shared-dir /srv/shared"}},
	{"image compose", "git-launcher image compose --launcher DIGEST --node DIGEST", "Prints the compose file that NEAR's contract allows for two images.",
		"", [2]string{"git-launcher image compose --launcher sha256:HEX --node sha256:HEX", "git-launcher image compose --launcher sha256:HEX --node NAME@sha256:HEX >docker-compose.yaml"}},
	{"image resolve", "git-launcher image resolve [flags] NAME[:TAG][@DIGEST]", "Prints an image's digests: index, platform manifest, config.",
		"target-platform json registry-mirror docker-endpoint engine-timeout registry-timeout",
		[2]string{"git-launcher image resolve nearone/mpc-node:latest", "git-launcher image resolve --json registry.example/app@sha256:HEX"}},
}

// hasHelp reports whether help has a page of its own for a command, or for none and itself
// the manual.
func hasHelp(name string) bool {
	return name == "" || name == "help" || name == "image" || slices.ContainsFunc(commands, func(c command) bool { return c.name == name })
}

// help returns the help of a command, or the manual if the command is not in the table.
func help(name string) string {
	switch i := slices.IndexFunc(commands, func(c command) bool { return c.name == name }); {
	case i >= 0:
		return commands[i].help()
	case name == "image":
		return imageUsage
	}
	return usage
}

func (c command) help() string {
	text := "Usage: " + c.usage + "\n\n" + c.about + "\n"
	manual := usage
	if strings.HasPrefix(c.name, "image ") {
		manual = imageUsage
	}
	if c.flags != "" {
		text += "\nFlags (each also as a variable; git-launcher --help says how, and which have none):\n"
	}
	for _, name := range strings.Fields(c.flags) {
		text += flagText(manual, name)
	}
	return text + fmt.Sprintf("\nExamples:\n  %s\n  %s\n", c.examples[0], c.examples[1])
}

// flagText returns what a manual says of a flag: the line that has it, and those that
// continue it.
func flagText(manual, name string) (text string) {
	for line := range strings.Lines(manual) {
		begins := strings.HasPrefix(line, "  --") || strings.HasPrefix(line, "* --")
		switch {
		case text != "" && (begins || !strings.HasPrefix(line, "  ")):
			return text
		case text != "":
			text += line
		case begins && slices.Contains(strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" ,*:\n", r) }), "--"+name):
			text = line
		}
	}
	return text
}

// noCommand says that there is no such command, and which one may be meant.
func noCommand(word string, names []string) string {
	for _, name := range names {
		if distance(word, name) <= 2 {
			return fmt.Sprintf("there is no command %.60q; did you mean %s?", word, name)
		}
	}
	return fmt.Sprintf("there is no command %.60q; the commands are %s", word, strings.Join(names, ", "))
}

// unknown says why the first word is neither a command nor a file, and which command
// may be meant.
func unknown(word string, names []string) string {
	if slices.ContainsFunc(names, func(name string) bool { return distance(word, name) <= 2 }) {
		return noCommand(word, names)
	}
	return fmt.Sprintf("%.60q is neither a command nor a file; the commands are %s", word, strings.Join(names, ", "))
}

// distance returns how many letters must be added, left out, replaced, or exchanged
// with the next to turn one word into the other.
func distance(a, b string) int {
	if len(a) > 20 {
		return len(a)
	}
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
		for j := range d[i] {
			switch {
			case i == 0:
				d[0][j] = j
				continue
			case j == 0:
				continue
			}
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
