// Package imagecheck looks at everything that a launch of image mode depends on, and
// says what would end it, each with what to do. After a failure it continues as far as
// the rest can be looked at without it.
//
// An operator asks this beside a node that runs. So the check changes nothing: it creates no
// container and no network, pulls nothing, writes nothing and measures nothing. A finding
// that is fine holds for now; a launch proves all of it again.
//
// What is looked at is what package imagemode launches, by the same functions.
package imagecheck
