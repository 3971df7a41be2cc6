package launcherflags

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	seen := make(map[string]bool)
	for _, f := range table {
		if seen[f.Name] {
			t.Errorf("--%s has two rows", f.Name)
		}
		seen[f.Name] = true
		if f.FlagOnly && f.Effect == Quiet {
			t.Errorf("--%s can change nothing, and no variable may stand for it", f.Name)
		}
		for _, command := range strings.Fields(f.commands) {
			if !strings.Contains(" "+all+" ", " "+command+" ") {
				t.Errorf("--%s is of %s, which is no command", f.Name, command)
			}
		}
	}
	if _, ok := Lookup("no-such"); ok {
		t.Error("a flag that is not there is found")
	}
}

func TestRead(t *testing.T) {
	for _, c := range []struct{ command, words, set, rest, err string }{
		{"run", "", "", "", ""},
		{"run", "c.conf", "", "c.conf", ""},
		{"run", "--measure record -retries=3 c.conf --measure auto", "measure=record retries=3", "c.conf --measure auto", ""},
		{"run", "--receipt-log c.conf", "receipt-log=true", "c.conf", ""},
		{"run", "--receipt-log=F c.conf", "receipt-log=false", "c.conf", ""},
		{"run", "--retries -1", "retries=-1", "", ""},
		{"run", "--measure -- --retries 2", "measure=-- retries=2", "", ""},
		{"run", "-- --retries 2", "", "--retries 2", ""},
		{"run", "- c.conf", "", "- c.conf", ""},
		{"attest", "--listen :8081 --bind-file /run/k.pem", "listen=:8081 bind-file=/run/k.pem", "", ""},
		{"attest", "--bind-spki 00", "", "", "there is no flag --bind-spki"},
		{"run", "--listen :8081", "", "", "there is no flag --listen"},
		{"image", "--approved none", "approved=none", "", ""},
		{"run", "--retries 2 --approved none", "retries=2", "", "there is no flag --approved"},
		{"run", "--help", "", "", "there is no flag --help"},
		{"run", "---measure auto", "", "", `"---measure" is no flag`},
		{"run", "--=auto", "", "", `"--=auto" is no flag`},
		{"run", "--measure", "", "", `"--measure" is no flag`},
		{"run", "--receipt-log=perhaps", "", "", `"--receipt-log=perhaps" is no flag`},
	} {
		set, rest, err := Read(c.command, strings.Fields(c.words))
		var got []string
		for _, s := range set {
			got = append(got, s.Name+"="+s.Value)
		}
		if strings.Join(got, " ") != c.set || strings.Join(rest, " ") != c.rest || (err == nil) != (c.err == "") || !strings.Contains(fmt.Sprint(err), c.err) {
			t.Errorf("%s %s: %v, %v, %v", c.command, c.words, got, rest, err)
		}
		var unknown *UnknownError
		if err != nil && !errors.Is(err, ErrSyntax) && !errors.As(err, &unknown) {
			t.Errorf("%s: %v is of no type", c.words, err)
		}
	}
}

func TestIsVariable(t *testing.T) {
	for name, want := range map[string]bool{
		"GIT_LAUNCHER_RECEIPT_LOG": true, "GIT_LAUNCHER_MAX_PACK_BYTES": true, "GIT_LAUNCHER_DSTACK_ENDPOINT": true,
		"GIT_LAUNCHER_CONFIG": false, "GIT_LAUNCHER_COMMIT": false, "GIT_LAUNCHER_receipt_log": false, "GIT_LAUNCHER_": false, "RECEIPT_LOG": false, "GIT_DIR": false, "": false,
	} {
		if IsVariable(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}
