// Package appcompose reads dstack's app-compose.json, and knows what each of its fields
// is for.
//
// dstack measures the file's bytes. What the fields do is spread over dstack's types,
// the scripts of its images, which take fields by jq, and Phala Cloud. [Fields] is the
// one table of all that dstack 0.5 and 0.6 know, with the judgement of each; VERIFY.md
// prints it. A field that is not in it is a problem: a later dstack may mount an image
// over any path by it, as verity_volumes does.
//
// It also knows the published forms of the script that Phala Cloud puts into each
// application, and the variables that no deployer may choose.
//
// What this package does not do: read the compose file, or decide what a policy accepts;
// package compose does both.
package appcompose
