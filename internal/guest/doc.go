// Package guest connects a launch of either mode with the VM's guest agent: it finds
// the agent before anything else is done, and has it record events, once a boot.
//
// A launch that is not measured looks like any other from outside. So the agent is
// looked for first, its absence ends the launch, and --platform nontee, which measures
// nothing, says so loudly.
//
// Packages gitmode and imagemode decide what an event holds, and what binds a launch
// where none can be recorded. Package dstack speaks the agent's protocol.
package guest
