// Package guest is what a launch of either mode has to do with the VM's guest agent: it
// finds the agent before anything else is done, and has events recorded by it, once a boot.
//
// A launch that is not measured looks like any other from outside. So the agent is looked
// for first, what is missing ends the launch, and --platform nontee, which measures
// nothing, says so loudly.
//
// What an event holds, and what binds a launch where none can be recorded, is the mode's
// (packages gitmode and imagemode). The agent's protocol is package dstack's.
package guest
