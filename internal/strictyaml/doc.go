// Package strictyaml reads YAML in which no reader has a choice.
//
// dstack measures the bytes of a compose file, and programs of several ages read them:
// dstack 0.5 has a Docker Compose that reads with gopkg.in/yaml.v3, newer ones read
// with go.yaml.in/yaml/v4. If two readers take one file for two things, a verifier sees
// an honest launcher and the VM starts something else. So [Decode] refuses every
// construct on which readers differ, or on which YAML 1.1 and 1.2 do, decodes what is
// left with both libraries, and refuses any difference between the two:
//
//   - bytes that are not UTF-8, a byte-order mark, control characters, and line
//     breaks other than LF and CRLF;
//   - directives, more than one document, explicit tags (even a lone “!”);
//   - keys that are not plain or quoted strings, keys that appear twice, keys that
//     are aliases or have anchors;
//   - merge keys other than a plain << on a mapping or on a list of mappings, and
//     << anywhere else;
//   - anchors with characters other than letters, digits, “-” and “_”, two anchors
//     of one name, and aliases within themselves;
//   - dates, infinities, NaN, and numbers that a double does not hold exactly.
//
// It bounds what reading may cost before it parses: see [MaxSize] and [Decode].
//
// What this package does not do: know what a compose file means. Package
// composeenv reads the environment of a service from what Decode returns.
package strictyaml
