package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"gitlauncher/internal/inputs"
	"gitlauncher/internal/pccstest"
	"gitlauncher/measure"
	"gitlauncher/policy"
	"gitlauncher/verify/evidence"
)

// TestErrorsEscape: what strangers put into evidence or answers does not reach
// the terminal by an error either.
// SECURITY.md: E7.
func TestErrorsEscape(t *testing.T) {
	e := launchVM(t)
	app, _ := json.Marshal(map[string]any{"runner": "docker-compose", "docker_compose_file": `services: {launcher: {image: "\e[2JVERIFIED/launcher@` + launcherDigest + `"}}`})
	hostile := &settings{policy: new(policy.Policy)}
	if err := hostile.policy.Read("policy", []byte("LAUNCHER_IMAGE_DIGEST="+launcherDigest)); err != nil {
		t.Fatal(err)
	}
	_, err := new(program).registryBundle(t.Context(), hostile, &evidence.Evidence{AppCompose: app}, nil)
	if err == nil || !strings.Contains(err.Error(), "\x1b") {
		t.Fatalf("the registry's error is %v; the test proves nothing", err)
	}
	var errs strings.Builder
	p := &program{stderr: &errs}
	p.warn(err)
	p.fail(err, "")
	p.fail(&inputs.InvalidError{Err: errors.Join(err, err)}, "")
	if strings.Contains(errs.String(), "\x1b") || !strings.Contains(errs.String(), "VERIFIED/launcher") {
		t.Errorf("%q", errs.String())
	}
	_, _, out := run(t, "--offline", "--root", e.file("root.pem"), e.file("no\x1bsuch"))
	if strings.Contains(out, "\x1b") {
		t.Errorf("%q", out)
	}
}

// TestPolicyInjection: a record can't put lines of its own into the policy that
// is made of it.
// SECURITY.md: E7.
func TestPolicyInjection(t *testing.T) {
	for _, cmd := range []string{"true\nTCB_STATUS_ALLOWED=OutOfDate", "true\x1b[8m", "true\rALLOW_COMPOSE=init_script", " # x", "a\u202eb"} {
		e := launchVM(t, func(r *measure.GitRecord) { r.Advanced, r.RunCmd, r.Entrypoint = true, cmd, "" })
		code, out, errs := run(t, "policy", "--offline", "--root", e.file("root.pem"), "--collateral", e.file("collateral.json"), "--from", e.file("receipt.json"))
		if code != 0 {
			t.Fatalf("exit code %d, %s", code, errs)
		}
		p, err := policy.Parse("out", []byte(out))
		if err != nil {
			t.Errorf("%q: %v\n%s", cmd, err, out)
			continue
		}
		if p.TCBStatusAllowed.Given() || p.AllowCompose.Given() || strings.ContainsAny(out, "\x1b\r\u202e") {
			t.Errorf("%q writes into the policy:\n%s", cmd, out)
		}
		if got := p.RunCmd.Texts(); len(got) > 0 && got[0] != cmd {
			t.Errorf("%q became %q", cmd, got)
		}
	}
}

// TestBatchFolder: nothing in a folder is left out silently.
// SECURITY.md: E9.
func TestBatchFolder(t *testing.T) {
	e := launchVM(t)
	dir := t.TempDir()
	args := []string{"--batch", "--offline", "--root", e.file("root.pem"), "--collateral", e.file("collateral.json"), "--policy", e.file("policy.conf"), dir}
	if err := os.Symlink(e.file("receipt.json"), dir+"/a.json"); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := run(t, args...); code != 0 || strings.Count(out, "\n") != 1 {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	if err := os.Symlink(e.file("gone"), dir+"/b.json"); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := run(t, args...); code != 1 || strings.Count(out, "\n") != 2 || !strings.Contains(out, "no such file") {
		t.Errorf("a file that can't be had: exit code %d\n%s", code, out)
	}
	if err := os.Mkdir(dir+"/c", 0o700); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := run(t, args...); code != 1 || strings.Count(out, "\n") != 3 {
		t.Errorf("a folder within: exit code %d\n%s", code, out)
	}
	if err := os.WriteFile(dir+"/d.json", []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, _ := run(t, args...); code != 3 {
		t.Errorf("exit code %d", code)
	}
}

// TestNothingFetchedForForgeries: a quote of no platform makes no requests.
// SECURITY.md: E8.
func TestNothingFetchedForForgeries(t *testing.T) {
	e, other := launchVM(t), launchVM(t)
	s := serve(t, e.collateral)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	args := []string{"--root", e.file("root.pem"), "--policy", e.file("policy.conf"), "--pccs", s.URL}
	if code, _, _ := run(t, append(args, other.file("receipt.json"))...); code != 3 || s.Asked() != 0 {
		t.Errorf("exit code %d after %d requests", code, s.Asked())
	}
}

// TestBadCollateralIsNotKept: what a service answers wrongly once is asked anew.
func TestBadCollateralIsNotKept(t *testing.T) {
	e := launchVM(t)
	s := serve(t, e.collateral)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	broken := pccstest.Fault(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "pckcrl") {
			w.Header().Set("SGX-PCK-CRL-Issuer-Chain", "x")
			w.Write([]byte("junk"))
			return true
		}
		return false
	})
	s.Break(broken)
	args := []string{"--root", e.file("root.pem"), "--policy", e.file("policy.conf"), "--pccs", s.URL, e.file("receipt.json")}
	if code, out, errs := run(t, args...); code != 3 {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	s.Break(nil)
	if code, out, errs := run(t, args...); code != 0 {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}
