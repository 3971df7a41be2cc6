package policy

import (
	"fmt"
	"slices"
	"strings"
)

// Expectation is a field of [Policy], whatever the type of its values.
type Expectation interface {
	// Given reports whether the policy has the key, if only with an empty list.
	Given() bool
	// Texts returns the values as a policy writes them, in the order of the policy.
	Texts() []string
	// Allows reports whether a value, written as a policy writes it, is among them.
	Allows(found string) bool
	// String returns the values for people.
	String() string
}

// field is an Expectation that can be filled.
type field[T fmt.Stringer] interface {
	Expectation
	add(T)
	give()
	copy(from field[T])
}

// OneOf is a field of which one of several values is expected. The zero value expects
// nothing.
type OneOf[T fmt.Stringer] struct{ values[T] }

// Any returns an expectation of one of these values. Any() expects that there is none
// at all.
func Any[T fmt.Stringer](v ...T) OneOf[T] { return OneOf[T]{values[T]{v, true}} }

// String returns the values with "or" between them, for people.
func (o OneOf[T]) String() string { return strings.Join(o.Texts(), " or ") }

func (o *OneOf[T]) copy(from field[T]) { *o = *from.(*OneOf[T]) }

// AllOf is a field of which all values count: all are expected to be there, or all are
// accepted. The zero value expects and accepts nothing.
type AllOf[T fmt.Stringer] struct{ values[T] }

// All returns an expectation, or acceptance, of all of these values.
func All[T fmt.Stringer](v ...T) AllOf[T] { return AllOf[T]{values[T]{v, true}} }

// String returns the values with commas between them, for people.
func (a AllOf[T]) String() string { return strings.Join(a.Texts(), ", ") }

func (a *AllOf[T]) copy(from field[T]) { *a = *from.(*AllOf[T]) }

// values is what OneOf and AllOf have in common.
type values[T fmt.Stringer] struct {
	list  []T
	given bool
}

// Given reports whether the policy has the key, if only with an empty list.
func (v values[T]) Given() bool { return v.given }

// Values returns the values in the order of the policy.
func (v values[T]) Values() []T { return slices.Clone(v.list) }

// Texts returns the values as a policy writes them.
func (v values[T]) Texts() []string {
	texts := make([]string, len(v.list))
	for i, value := range v.list {
		texts[i] = value.String()
	}
	return texts
}

// Allows reports whether a value, written as a policy writes it, is among them.
func (v values[T]) Allows(found string) bool {
	return slices.ContainsFunc(v.list, func(value T) bool { return value.String() == found })
}

func (v *values[T]) add(value T) { v.list = append(v.list, value) }

func (v *values[T]) give() { v.given = true }
