package step

import "fmt"

// Name is what a step does, so that "FAILED to " and the name are a sentence.
type Name string

// The steps of the commands that more than one place names.
const (
	CommandLine Name = "read the command line"
	Config      Name = "read the config"
	Credentials Name = "read the credentials"
	Agent       Name = "find the guest agent"
	Pin         Name = "pin the commit" // fetches and proves, in git mode
	Entry       Name = "check the entry script"
	Measure     Name = "measure the launch"
	Start       Name = "start the workload"
	Supervise   Name = "keep the workload running" // it runs, or has run
	MakeConfig  Name = "make the config"
	Policy      Name = "write the policy"
	Receipt     Name = "make a receipt"
	Answer      Name = "answer with receipts"
	UserConfig  Name = "read the user config"
)

// Error is an error with the step that it ended.
type Error struct {
	Step Name
	Err  error
}

func (e *Error) Error() string { return string(e.Step) + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// At adds to an error the step that it ended. It returns nil for nil.
func At(step Name, err error) error {
	if err == nil {
		return nil
	}
	return &Error{step, err}
}

// UsageError says why a command line, or a file that it names, makes no sense.
type UsageError struct{ Reason string }

func (e *UsageError) Error() string { return e.Reason }

// Usagef returns a *[UsageError].
func Usagef(format string, args ...any) error {
	return &UsageError{fmt.Sprintf(format, args...)}
}
