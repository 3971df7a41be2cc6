package system_test

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlauncher/measure"
	"gitlauncher/verify/system"
	"gitlauncher/verify/system/tdvf"
)

// states returns those of a register's events by name, without the ones that are the
// same.
func states(r *system.Result, register int) map[string]system.State {
	out := make(map[string]system.State)
	for _, l := range r.Explain(register) {
		if l.State != system.Same {
			out[l.Name] = l.State
		}
	}
	return out
}

// TestExplain: each event has the state that its change calls for.
func TestExplain(t *testing.T) {
	tables := map[string]system.State{"acpi-loader": system.Host, "acpi-rsdp": system.Host, "acpi-tables": system.Host}
	with := func(more map[string]system.State) map[string]system.State {
		maps.Copy(more, tables)
		return more
	}
	other := measure.Register{1}
	unknown := func(in system.Input) *system.Result {
		in.Images = []system.Image{{Name: "nobody's"}}
		return system.Judge(in)
	}
	in, _ := realVM(t)
	r := system.Judge(in)
	lied := in
	vm := *in.VM
	vm.Memory = 8 << 30
	lied.VM = &vm
	for _, c := range []struct {
		name     string
		result   *system.Result
		register int
		want     map[string]system.State
	}{
		{"RTMR0", r, 0, tables},
		{"RTMR1", r, 1, map[string]system.State{}},
		{"RTMR2", r, 2, map[string]system.State{}},
		{"another kernel", system.Judge(host(t, func(b *tdvf.Boot) { b[1][0] = other })), 1, map[string]system.State{"kernel": system.Other}},
		{"another boot entry", system.Judge(host(t, func(b *tdvf.Boot) { b[0][12] = other })), 0, with(map[string]system.State{"Boot0000": system.Other, "TD HOB": system.Unknown})},
		{"an event more", system.Judge(host(t, func(b *tdvf.Boot) { b[2] = append(b[2], other) })), 2, map[string]system.State{"?": system.Extra}},
		{"memory that is not the VM's", system.Judge(lied), 0, with(map[string]system.State{"TD HOB": system.Unknown})},
		{"an unknown image's RTMR0", unknown(in), 0, with(map[string]system.State{"TD HOB": system.Unknown})},
		{"an unknown image's RTMR2", unknown(near(t)), 2, map[string]system.State{"command line": system.Unknown, "initrd": system.Unknown}},
	} {
		if d := cmp.Diff(c.want, states(c.result, c.register)); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
	if lines := r.Explain(0); len(lines) != 13 || lines[0].Found != r.Boot[0][0] || lines[0].Meaning == "" {
		t.Errorf("%+v", lines)
	}
	in.RTMR[1] = other
	if lines := system.Judge(in).Explain(1); lines != nil {
		t.Errorf("a log that does not make the register explains it: %+v", lines)
	}
}
