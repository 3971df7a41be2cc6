// Package systemtext says in words what check B derives: which image, which VM, what each
// event of a register is, and which systems are known.
//
// It judges nothing that package system has not judged, and not whether the quote is
// genuine.
package systemtext
