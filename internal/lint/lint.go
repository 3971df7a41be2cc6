package lint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gitlauncher/internal/regularfile"
	"gitlauncher/policy"
	"gitlauncher/verify/compose"
)

// Report has what a relying party's verifier will find.
type Report struct {
	File     string // the file that was judged
	Policy   string // the policy's file; empty if there is none
	Assumed  bool   // whether there is no app-compose, and one with defaults was judged
	Findings []compose.Problem
	Notes    []string
}

// names are the files that Compose looks for, and the one that dstack deploys.
var names = []string{"docker-compose.yaml", "docker-compose.yml", "compose.yaml", "compose.yml", "app-compose.json"}

const policyName = "policy.conf"

// ErrNoFile says that a folder holds nothing to judge.
var ErrNoFile = errors.New("holds none of " + strings.Join(names, ", "))

// Find returns the file to judge: at itself, or the first one in the folder at.
func Find(at string) (string, error) {
	info, err := os.Stat(at)
	if err != nil || !info.IsDir() {
		return at, err
	}
	for _, name := range names {
		if file := filepath.Join(at, name); exists(file) {
			return file, nil
		}
	}
	return "", fmt.Errorf("%s %w", at, ErrNoFile)
}

func exists(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular()
}

// File judges a compose file or an app-compose under a policy: policyFile, or, if that
// is empty, the one beside file, if there is one.
func File(ctx context.Context, file, policyFile string) (*Report, error) {
	data, err := regularfile.Read(file, compose.MaxSize)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	r := &Report{File: file, Policy: policyFile}
	if beside := filepath.Join(filepath.Dir(file), policyName); r.Policy == "" && exists(beside) {
		r.Policy = beside
	}
	expected := new(policy.Policy)
	if r.Policy != "" {
		text, err := regularfile.Read(r.Policy, compose.MaxSize)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.Policy, err)
		}
		if expected, err = policy.Parse(r.Policy, text); err != nil {
			return nil, err
		}
	}
	if r.Assumed = filepath.Ext(file) != ".json"; r.Assumed {
		if data, err = AppCompose(data, "lint"); err != nil {
			return nil, err
		}
	}
	result, err := compose.Judge(ctx, data, compose.Expect{
		LauncherDigests: expected.LauncherImageDigest.Texts(), Image: expected.ImageDigest.Given(),
		Allow: expected.AllowCompose.Texts(), Envs: expected.AllowedEnvs.Texts(), EnvsGiven: expected.AllowedEnvs.Given(),
		ComposeHashes: expected.ComposeHash.Texts(), DockerComposeSHA256: expected.DockerComposeSHA256.Texts(),
		Environment: expected.Environment.Texts(),
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	r.conclude(result, expected)
	return r, nil
}

// AppCompose returns the app-compose that dstack measures for a compose file, if all
// else has its default.
func AppCompose(composeFile []byte, name string) ([]byte, error) {
	return json.Marshal(map[string]any{"docker_compose_file": string(composeFile), "manifest_version": 2, "name": name, "runner": "docker-compose"})
}

func (r *Report) conclude(result *compose.Result, expected *policy.Policy) {
	for _, p := range result.Problems {
		if !p.Accepted {
			r.Findings = append(r.Findings, p)
		}
	}
	if result.Service == "" {
		r.Findings = append(r.Findings, compose.Problem{Where: "compose file", What: "has no service of the launcher", Why: result.NoService})
	}
	if d := &expected.DockerComposeSHA256; r.Policy != "" && d.Given() && !d.Allows(result.DockerComposeSHA256) {
		r.Findings = append(r.Findings, compose.Problem{
			Where: "compose file", What: "is another than the policy expects", Why: "it was edited since; a relying party is refused it until the policy has its hash",
			Open: true, Settle: []string{"DOCKER_COMPOSE_SHA256=" + result.DockerComposeSHA256},
		})
	}
	if result.Service != "" && !result.Pinned {
		r.Notes = append(r.Notes, "on dstack 0.6 this deployment can't be verified: "+strings.Join(result.Unpinned, "; "))
	}
	if r.Assumed {
		r.Notes = append(r.Notes, "the app-compose of the deployment is judged, too; give its file once there is one")
	}
}

// Refused counts the findings that a relying party refuses, and those that lines of a
// policy would settle.
func (r *Report) Refused() (refused, open int) {
	for _, f := range r.Findings {
		if f.Open {
			open++
		} else {
			refused++
		}
	}
	return refused, open
}

// Write writes the report for people.
func (r *Report) Write(w io.Writer) error {
	var b strings.Builder
	for _, f := range r.Findings {
		word := "REFUSED"
		if f.Open {
			word = "UNDECIDED"
		}
		fmt.Fprintf(&b, "%-10s %s: %s\n           %s\n", word, f.Where, f.What, f.Why)
		switch {
		case len(f.Settle) > 0:
			fmt.Fprintf(&b, "           a policy settles it with: %s\n", strings.Join(f.Settle, "\n                                 or: "))
		case f.Accept != "":
			fmt.Fprintf(&b, "           a policy accepts it with: ALLOW_COMPOSE=%s\n", f.Accept)
		default:
			b.WriteString("           no line of a policy accepts it: change the file\n")
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "%-10s %s\n", "note", note)
	}
	under := "no policy"
	if r.Policy != "" {
		under = r.Policy
	}
	if refused, open := r.Refused(); refused+open == 0 {
		fmt.Fprintf(&b, "%s: check D will pass under %s\n", r.File, under)
	} else {
		fmt.Fprintf(&b, "%s: check D will not pass under %s: %d refused, %d undecided\n", r.File, under, refused, open)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
