package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gitlauncher/measure"
)

// Key is a key of a policy, bound to its field.
type Key struct {
	Name string // as a policy file writes it: COMMIT_SHA
	Form string // what a value is, in one word: SHA, HEX, NAME, …
	Help string // what is expected: a line without a full stop at its end
	List bool   // a value may be several, with commas between them
	Once bool   // a policy may have one value only
	All  bool   // several values are expected together, not one of them

	empty bool // an empty list expects something, too: that there is none
	field func(*Policy) Expectation
	add   func(p *Policy, value string) error
	give  func(p *Policy)
	take  func(p, from *Policy)
}

// kind says how the values of some keys are read and shown.
type kind[T fmt.Stringer] struct {
	form  string
	parse func(string) (T, error)
	list  bool // with commas between values
	once  bool // one value in all
	empty bool // an empty list says something
}

// key binds a name to a field.
func (k kind[T]) key(name, help string, of func(*Policy) field[T]) Key {
	_, all := of(new(Policy)).(*AllOf[T])
	return Key{
		Name: name, Form: k.form, Help: help, List: k.list, Once: k.once, All: all, empty: k.empty,
		field: func(p *Policy) Expectation { return of(p) },
		add: func(p *Policy, text string) error {
			v, err := k.parse(text)
			if err != nil {
				return err
			}
			of(p).add(v)
			return nil
		},
		give: func(p *Policy) { of(p).give() },
		take: func(p, from *Policy) { of(p).copy(of(from)) },
	}
}

// Find returns the key of a name.
func Find(name string) (Key, bool) {
	keys := Keys()
	i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == name })
	if i < 0 {
		return Key{}, false
	}
	return keys[i], true
}

// Flag returns the name of the key's flag: commit-sha for COMMIT_SHA.
func (k Key) Flag() string { return strings.ToLower(strings.ReplaceAll(k.Name, "_", "-")) }

// Of returns the key's field in a policy.
func (k Key) Of(p *Policy) Expectation { return k.field(p) }

// Add adds to the key's field what a line or a flag says. The error says what is
// wrong with the value, without repeating it.
func (k Key) Add(p *Policy, value string) error {
	parts, err := k.parts(value)
	if err != nil {
		return err
	}
	for _, part := range parts {
		if k.Once && k.field(p).Given() {
			return k.twice()
		}
		if err := k.add(p, part); err != nil {
			return err
		}
		k.give(p)
	}
	k.give(p)
	return nil
}

// twice says why a second value is refused.
func (k Key) twice() error {
	if _, register := k.field(new(Policy)).(*OneOf[measure.Register]); register {
		return errors.New("has several values; of several systems each takes a line of its own, SYSTEM=MRTD:RTMR0:RTMR1:RTMR2, so that no mixture of them passes")
	}
	return errors.New("has several values, and takes one")
}

// parts splits what a line says into values.
func (k Key) parts(value string) ([]string, error) {
	switch {
	case !k.List:
		return []string{value}, nil
	case value == "" && k.empty:
		return nil, nil
	case value == "":
		return nil, errors.New("is empty")
	}
	parts := strings.Split(value, ",")
	for i := range parts {
		if parts[i] = strings.TrimSpace(parts[i]); parts[i] == "" {
			return nil, errors.New("has an empty value in its list")
		}
	}
	return parts, nil
}

// NameOf returns the name of the key of a field: p.NameOf(&p.MRTD) is MRTD. It panics
// if the field is not one of p's.
func (p *Policy) NameOf(field Expectation) string {
	for _, k := range Keys() {
		if k.field(p) == field {
			return k.Name
		}
	}
	panic("policy: NameOf needs a field of its own policy")
}
