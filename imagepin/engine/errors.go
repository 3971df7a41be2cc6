package engine

// Error is a Docker Engine that did not do what it was asked.
type Error struct {
	Doing  string // "creating the container mpc-node"
	Reason Reason
	Text   string // the Engine's words: one line, trimmed
}

// Reason is why the Engine did not do what it was asked.
type Reason int

// The reasons.
const (
	Failed      Reason = iota // it said no
	Absent                    // no socket, or nobody behind it
	Hung                      // no answer in time
	Died                      // the connection broke
	DiskFull                  // no space left on its disk
	NameTaken                 // somebody else has the name
	PortTaken                 // somebody else has a port
	NoImage                   // the image is not there, or not any more
	NoNetwork                 // the network is not there, or not any more
	NoContainer               // the container is not there, or not any more
)

func (e *Error) Error() string { return "Docker Engine: " + e.Doing + ": " + e.Text }

// SettingsError is a container, or what it would be made of, that is not as
// described.
type SettingsError struct {
	Name   string
	Reason string
}

func (e *SettingsError) Error() string { return "container " + e.Name + ": " + e.Reason }
