package system

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
)

// MeasurementFile is the name of the measurement document among an image's files.
const MeasurementFile = "measurement.tdx.cbor"

// maxChecksums bounds sha256sum.txt; real ones have some 600 bytes.
const maxChecksums = 16 << 10

// checksumLine is a line of sha256sum: digest, two spaces (or one and a star), name.
var checksumLine = regexp.MustCompile(`^([0-9a-f]{64}) [ *]([A-Za-z0-9._-]{1,128})$`)

// ImageHash returns an image's os_image_hash: SHA-256 of the bytes of its
// sha256sum.txt.
func ImageHash(checksums []byte) [sha256.Size]byte { return sha256.Sum256(checksums) }

// CheckDocument fails unless a checksum file names exactly these bytes as the
// measurement document. The error is a [*MissingError] if the file names no such
// document, and a [*DocumentError] if it names another. The file is read strictly, one
// line for each file and no file twice, since the reader's hash covers all of it.
func CheckDocument(checksums, document []byte) error {
	if len(checksums) > maxChecksums {
		return fmt.Errorf("checksum file: is larger than %d KiB", maxChecksums>>10)
	}
	text, ok := bytes.CutSuffix(checksums, []byte("\n"))
	if !ok {
		return errors.New("checksum file: does not end in a line feed")
	}
	seen := make(map[string]string)
	for i, line := range bytes.Split(text, []byte("\n")) {
		m := checksumLine.FindSubmatch(line)
		if m == nil {
			return fmt.Errorf("checksum file: line %d is not one of sha256sum", i+1)
		}
		name := string(m[2])
		if _, twice := seen[name]; twice {
			return fmt.Errorf("checksum file: names %s twice", name)
		}
		seen[name] = string(m[1])
	}
	want, ok := seen[MeasurementFile]
	if !ok {
		return &MissingError{}
	}
	if sum := sha256.Sum256(document); hex.EncodeToString(sum[:]) != want {
		return &DocumentError{Want: want, Got: hex.EncodeToString(sum[:])}
	}
	return nil
}

// MissingError says that an image's checksum file names no measurement document.
type MissingError struct{}

func (*MissingError) Error() string { return "checksum file: does not name " + MeasurementFile }

// DocumentError says that a measurement document is not the image's.
type DocumentError struct{ Want, Got string } // SHA-256, hex

func (e *DocumentError) Error() string {
	return fmt.Sprintf("measurement document: has SHA-256 %s, and the image's checksum file says %s", e.Got, e.Want)
}
