package launcherflags

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"
)

// Destinations says where the values of flags go, by the flags' names.
type Destinations map[string]flag.Value

// Text defines a flag whose value is a text.
func (d Destinations) Text(to *string, name, byDefault string) {
	*to = byDefault
	d.Each(name, func(v string) error { *to = v; return nil })
}

// Toggle defines a flag without a value.
func (d Destinations) Toggle(to *bool, name string) { d[name] = (*truth)(to) }

// Each defines a flag that may repeat, or that has a form of its own.
func (d Destinations) Each(name string, set func(string) error) { d[name] = value(set) }

// Duration defines a flag that is a time. Go's own says no more than "parse error".
func (d Destinations) Duration(to *time.Duration, name string, byDefault time.Duration) {
	*to = byDefault
	d.Each(name, func(v string) (err error) {
		if _, err := strconv.ParseFloat(v, 64); err == nil && v != "0" {
			return errors.New("the unit is missing: write 5s for seconds, 5m for minutes")
		}
		if *to, err = time.ParseDuration(v); err != nil {
			return errors.New("it is not a time, as 5s, 5m or 1h30m")
		}
		return nil
	})
}

// Number defines a flag whose value is a whole number, not below least.
func Number[N int | int64](d Destinations, to *N, name string, byDefault, least N) {
	*to = byDefault
	d.Each(name, func(v string) error {
		n, err := strconv.ParseInt(v, 0, 64)
		if err != nil || n < int64(least) {
			return fmt.Errorf("it must be a whole number from %d to %d", least, int64(math.MaxInt64))
		}
		*to = N(n)
		return nil
	})
}

// Set returns a command's flags by the table. Those of other commands are left out.
func (d Destinations) Set(command string) *flag.FlagSet {
	fs := flag.NewFlagSet("git-launcher", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // the command prints errors, once
	fs.Usage = func() {}
	for _, row := range Of(command) {
		fs.Var(d[row.Name], row.Name, "") // a test of the command sees that each has its destination
	}
	return fs
}

// value is a flag whose value goes to a function.
type value func(string) error

func (v value) Set(s string) error { return v(s) }
func (v value) String() string     { return "" }

// truth is a flag without a value.
type truth bool

func (t *truth) IsBoolFlag() bool { return true }
func (t *truth) String() string   { return "" }
func (t *truth) Set(s string) error {
	on, err := strconv.ParseBool(s)
	if err != nil {
		return errors.New("it is neither true nor false")
	}
	*t = truth(on)
	return nil
}
