package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"

	"go.yaml.in/yaml/v4"
	yaml3 "gopkg.in/yaml.v3"
)

// MaxSize is the largest document that is read, in bytes: 256 KiB, which is all
// that dstack 0.5 takes as a whole app-compose.
const MaxSize = 256 << 10

// Error says why a document is refused.
type Error struct {
	Line   int // from 1; 0 if the whole document is meant
	Reason string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Reason
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Reason)
}

// refuse returns an *Error.
func refuse(line int, format string, args ...any) error {
	return &Error{line, fmt.Sprintf(format, args...)}
}

// Decode reads one document, which must be a mapping. Values are string, bool, int,
// float64, nil, []any and map[string]any; aliases are replaced by what they stand for,
// and merge keys by what they merge. Each refusal is an *[Error].
//
// Whatever the document, Decode allocates at most some 40 MB: a document may have
// 32,768 signs of structure and 64 levels, and what its aliases and paths expand to is
// bounded.
func Decode(data []byte) (value map[string]any, err error) {
	defer func() { // the libraries are known to panic on hostile input
		if r := recover(); r != nil {
			value, err = nil, refuse(0, "can't be read: %v", r)
		}
	}()
	if err := text(data); err != nil {
		return nil, err
	}
	var older yaml3.Node
	var newer yaml.Node
	if err := agree(one(yaml3.NewDecoder(bytes.NewReader(data)), &older, new(yaml3.Node)),
		one(yaml.NewDecoder(bytes.NewReader(data)), &newer, new(yaml.Node))); err != nil {
		return nil, err
	}
	if err := newTree(data).check(&older, &newer); err != nil {
		return nil, err
	}
	var first, second any
	if err := agree(older.Decode(&first), newer.Decode(&second)); err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(first, second) {
		return nil, refuse(0, "is read as two different things by the two YAML readers of Docker Compose")
	}
	value, ok := second.(map[string]any)
	if !ok {
		return nil, refuse(0, "is not a mapping")
	}
	return value, nil
}

// one decodes the only document of a stream.
func one[N any](decoder interface{ Decode(any) error }, node, rest N) error {
	if err := decoder.Decode(node); errors.Is(err, io.EOF) {
		return errors.New("is empty")
	} else if err != nil {
		return err
	}
	if err := decoder.Decode(rest); !errors.Is(err, io.EOF) {
		return errors.New("has more than one document, or something after its end")
	}
	return nil
}

// agree returns nil if neither reader refuses.
func agree(older, newer error) error {
	switch {
	case older == nil && newer == nil:
		return nil
	case older != nil && newer != nil:
		return refuse(0, "%v", newer)
	case older != nil:
		return refuse(0, "the YAML reader of older versions of Docker Compose refuses it: %v", older)
	}
	return refuse(0, "the YAML reader of newer versions of Docker Compose refuses it: %v", newer)
}
