package engine

// Error says what the Docker Engine did not do, and why.
type Error struct {
	Doing  string // "creating the container mpc-node"
	Reason Reason
	Text   string // the Engine's words: one line, trimmed
}

// Reason is why the Engine did not do what it was asked to.
type Reason int

// The reasons.
const (
	Failed      Reason = iota // it refused, for another reason than these
	Absent                    // there is no socket, or nobody answers there
	Hung                      // no answer in time
	Died                      // the connection broke
	DiskFull                  // no space left on its disk
	NameTaken                 // another container has the name
	PortTaken                 // another container or program has a port
	NoImage                   // there is no such image, or no longer
	NoNetwork                 // there is no such network, or no longer
	NoContainer               // there is no such container, or no longer
)

func (e *Error) Error() string { return "Docker Engine: " + e.Doing + ": " + e.Text }

// SettingsError says how a container differs from its description, or why the description
// makes none.
type SettingsError struct {
	Name   string
	Reason string
}

func (e *SettingsError) Error() string { return "container " + e.Name + ": " + e.Reason }
