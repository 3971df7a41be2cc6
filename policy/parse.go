package policy

import "gitlauncher/config"

// Parse reads a policy file. Errors are [*config.Error].
func Parse(file string, data []byte) (*Policy, error) {
	p := new(Policy)
	return p, p.Read(file, data)
}

// Read adds the expectations of a policy file to those of p. Errors are
// [*config.Error].
func (p *Policy) Read(file string, data []byte) error {
	var names []string
	keys := make(map[string]Key)
	for _, k := range Keys() {
		names, keys[k.Name] = append(names, k.Name), k
	}
	entries, err := config.Grammar{Keys: names, Repeat: true}.Lines(file, data)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := keys[e.Key].Add(p, e.Value); err != nil {
			return &config.Error{File: file, Line: e.Line, Key: e.Key, Reason: err.Error()}
		}
	}
	return p.consistent(file)
}

// consistent refuses keys that say the same thing in two ways: only one of them would
// be judged, and a reader could believe that it is the other.
func (p *Policy) consistent(file string) error {
	for _, plain := range []Expectation{&p.MRTD, &p.RTMR0, &p.RTMR1, &p.RTMR2} {
		if p.System.Given() && plain.Given() {
			return &config.Error{File: file, Key: p.NameOf(plain), Reason: "stands beside SYSTEM, which has all four registers; remove one of the two"}
		}
	}
	return nil
}

// Override replaces the expectation of each key that over has: a flag replaces what a
// policy file says, and adds no alternative to it. Keys that over lacks stay as they
// are. The error is a [*config.Error].
func (p *Policy) Override(over *Policy) error {
	for _, k := range Keys() {
		if k.field(over).Given() {
			k.take(p, over)
		}
	}
	return p.consistent("policy and flags")
}
