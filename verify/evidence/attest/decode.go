package attest

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

// decoder reads MessagePack into maps, lists, strings, byte strings, numbers that are not
// negative, truth values and nil.
type decoder struct {
	*msgpack.Decoder
	left int // values that may still be read
	size int // of the input, in bytes
}

var errLarge = fmt.Errorf("has more than %d values", maxValues)

// length checks a length that the input claims.
func (d *decoder) length(n int, err error) (int, error) {
	switch {
	case err != nil:
		return 0, err
	case n < 0:
		return 0, errors.New("has nil where a list or a map is meant")
	case n > d.left:
		return 0, errLarge
	}
	return n, nil
}

func (d *decoder) value(depth int) (any, error) {
	if d.left--; d.left < 0 {
		return nil, errLarge
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("is nested more than %d levels deep", maxDepth)
	}
	code, err := d.PeekCode()
	if err != nil {
		return nil, err
	}
	switch {
	case code == msgpcode.Nil:
		return nil, d.DecodeNil()
	case code == msgpcode.True, code == msgpcode.False:
		return d.DecodeBool()
	case msgpcode.IsFixedNum(code), code == msgpcode.Uint8, code == msgpcode.Uint16, code == msgpcode.Uint32, code == msgpcode.Uint64,
		code == msgpcode.Int8, code == msgpcode.Int16, code == msgpcode.Int32, code == msgpcode.Int64:
		return d.number(code)
	case msgpcode.IsString(code):
		s, err := d.DecodeString()
		if err == nil && !utf8.ValidString(s) {
			err = errors.New("has a string that is not valid UTF-8")
		}
		return s, err
	case msgpcode.IsBin(code):
		return d.DecodeBytes()
	case msgpcode.IsFixedArray(code), code == msgpcode.Array16, code == msgpcode.Array32:
		return d.list(depth)
	case msgpcode.IsFixedMap(code), code == msgpcode.Map16, code == msgpcode.Map32:
		return d.mapping(depth)
	}
	return nil, fmt.Errorf("has a value of the form %#x, which no attestation has", code)
}

func (d *decoder) number(code byte) (any, error) {
	if code == msgpcode.Uint64 {
		return d.DecodeUint64()
	}
	n, err := d.DecodeInt64()
	if err == nil && n < 0 {
		err = errors.New("has a negative number")
	}
	return uint64(n), err
}

func (d *decoder) list(depth int) (any, error) {
	n, err := d.length(d.DecodeArrayLen())
	if err != nil {
		return nil, err
	}
	list := make([]any, 0, min(n, d.size))
	for range n {
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (d *decoder) mapping(depth int) (any, error) {
	n, err := d.length(d.DecodeMapLen())
	if err != nil {
		return nil, err
	}
	m := make(map[string]any)
	for range n {
		key, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		name, ok := key.(string)
		if !ok {
			return nil, errors.New("has a key that is not a string")
		}
		if _, twice := m[name]; twice {
			return nil, fmt.Errorf("has the key %.100q twice in one map", name)
		}
		if m[name], err = d.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return m, nil
}
