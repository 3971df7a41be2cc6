package measure

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// TestContainerAgainstJQ rebuilds a description with jq, as VERIFY.md tells people to.
func TestContainerAgainstJQ(t *testing.T) {
	c := Container{
		Name: "n", Image: "a/b@sha256:00", Restart: "no", Network: "n_default",
		Command: []string{"z", "a", "<&>\u2028\"\\\x01\t"}, Env: []string{"B=2", "A=ü", "A=1"}, Mounts: []string{"v:/x", "/t:/t:ro"}, SecurityOpt: []string{"s"},
	}
	got, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("jq", "-cSj", "(.env, .mounts, .ports, .security_opt) |= sort")
	cmd.Stdin = bytes.NewReader(got)
	want, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s, and by jq %s", got, want)
	}
	if !bytes.HasPrefix(got, []byte(`{"command":["z","a",`)) || !bytes.Contains(got, []byte(`"ports":[]`)) {
		t.Errorf("%s", got)
	}
	if sum, err := c.SHA256(); err != nil || len(sum) != 64 {
		t.Errorf("%s, %v", sum, err)
	}
	for _, bad := range []Container{{Name: "\xff"}, {Env: []string{"A=\xff"}}} {
		if _, err := bad.Marshal(); err == nil || !strings.Contains(err.Error(), "UTF-8") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// TestOnlyImage: those who check the event accept it exactly once, wherever it stands.
func TestOnlyImage(t *testing.T) {
	event := func(name, payload string) Runtime {
		return Runtime{Event: Event{Name: name, Payload: []byte(payload)}}
	}
	ready, ours, other := event(EventSystemReady, ""), event(EventImageDigest, "ours"), event(EventImageDigest, "other")
	for _, c := range []struct {
		name string
		log  []Runtime
		good bool
	}{
		{"none", []Runtime{ready}, true},
		{"ours", []Runtime{ready, event(EventImageLaunch, "x"), ours}, true},
		{"another", []Runtime{ready, other}, false},
		{"both", []Runtime{ready, ours, other}, false},
		{"ours twice", []Runtime{ready, ours, ours}, false},
		{"another before system-ready", []Runtime{other, ready, ours}, false},
	} {
		if err := (Boot{Events: c.log}).OnlyImage([]byte("ours")); (err == nil) != c.good || err != nil && !errors.Is(err, ErrOtherImage) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
