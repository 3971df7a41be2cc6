package verify

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"sync"
	"time"

	"gitlauncher/verify/compose"
	"gitlauncher/verify/quote"
)

// maxShared bounds how many results of a kind are kept: batches repeat a few
// composes and collaterals, and hostile ones must not fill the memory.
const maxShared = 256

// Shared keeps what judgements of one batch have in common: collateral and
// composes that were judged already, by their bytes. All judgements that share
// must have the same root, moment and policy. Safe for concurrent use.
type Shared struct {
	mu          sync.Mutex
	collaterals map[[32]byte]*quote.Checked
	composes    map[[32]byte]composed
}

type composed struct {
	result *compose.Result
	err    error
}

// NewShared starts with nothing.
func NewShared() *Shared {
	return &Shared{collaterals: make(map[[32]byte]*quote.Checked), composes: make(map[[32]byte]composed)}
}

func (s *Shared) collateral(c *quote.Collateral, root *quote.Root, at time.Time) *quote.Checked {
	if s == nil {
		return c.Check(root, at)
	}
	return remember(s, s.collaterals, keyOf(c), func() *quote.Checked { return c.Check(root, at) })
}

func (s *Shared) compose(ctx context.Context, data []byte, expect compose.Expect) (*compose.Result, error) {
	judge := func() composed {
		r, err := compose.Judge(ctx, data, expect)
		return composed{r, err}
	}
	if s == nil {
		c := judge()
		return c.result, c.err
	}
	c := remember(s, s.composes, keyOf(struct {
		Data  []byte
		Image bool
	}{data, expect.Image}), judge)
	return c.result, c.err
}

func keyOf(v any) [32]byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs of bytes and strings
	}
	return sha256.Sum256(data)
}

func remember[V any](s *Shared, in map[[32]byte]V, key [32]byte, compute func() V) V {
	s.mu.Lock()
	v, ok := in[key]
	s.mu.Unlock()
	if ok {
		return v
	}
	v = compute()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(in) < maxShared {
		in[key] = v
	}
	return v
}
