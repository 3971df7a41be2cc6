// Package catalogue holds what is known about published systems: images by name with
// their os_image_hash, registers of images that ship no measurement document, flaws by
// id, and ACPI tables of common VMs. It is one file of data, systems.json, in which
// each value names its source. Anyone can read it, list it ("git-launcher-verify
// systems"), and add to it or replace parts of it ("--systems FILE").
//
// The threat: a name in a policy is a word until somebody says which bytes it means. An
// entry is only this project's copy of what its source published. Anyone who does not
// want to rely on that copy writes OS_IMAGE_HASH instead of OS_IMAGE. VERIFY.md says
// what the file vouches for, and what it does not.
package catalogue
