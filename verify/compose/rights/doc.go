// Package rights judges what a service of a compose file may do outside its container:
// capabilities, confinement, namespaces, networks, devices, and where its log goes.
//
// A container that leaves its bounds is root in the VM, and holds all keys that the VM
// holds. So what is known to be harmless passes, and the rest is reported with a
// sentence of why.
//
// Files and volumes are not judged here, and nothing is accepted: package compose does
// both.
package rights
