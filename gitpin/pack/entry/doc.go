// Package entry reads what a pack is made of: an entry's header, and its content through
// zlib.
//
// The threat is an entry that announces another size than it has, or what no entry can
// be. No memory is allocated on a header's word beyond [OnWord] bytes, and a content is
// not taken for whole before its end and its checksum were seen.
//
// What the sizes may be is for others to say: they stand in the header, before anything
// is inflated.
//
// Formats: gitformat-pack(5), RFC 1950, RFC 1951.
package entry
