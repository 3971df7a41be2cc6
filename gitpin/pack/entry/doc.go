// Package entry reads the entries of a pack: an entry's header, and its content through
// zlib.
//
// The threat is an entry that announces another size than it has, or is malformed. At most
// [Upfront] bytes are allocated because a header announces them. A content is complete only
// after its end and its checksum were checked.
//
// What it does not do: limit the sizes. A caller gets the header, which has the size,
// before anything is inflated.
//
// Formats: gitformat-pack(5), RFC 1950, RFC 1951.
package entry
