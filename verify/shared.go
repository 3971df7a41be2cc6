package verify

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"gitlauncher/verify/compose"
	"gitlauncher/verify/quote"
)

// Bounds of what is kept for a batch: the results of each kind, and the bytes of an
// input whose result is kept. Batches repeat a few composes and collaterals, and
// hostile ones must not fill the memory.
const (
	maxShared      = 64
	maxSharedInput = 64 << 10
)

// Shared keeps what judgements of one batch have in common: collateral and composes
// that were judged already, by their bytes. Judgements that share one must have the
// same root, moment and policy. It is safe for concurrent use.
type Shared struct {
	mu          sync.Mutex
	collaterals map[[32]byte]*quote.Checked
	composes    map[[32]byte]composed
}

type composed struct {
	result *compose.Result
	err    error
}

// NewShared returns an empty Shared.
func NewShared() *Shared {
	return &Shared{collaterals: make(map[[32]byte]*quote.Checked), composes: make(map[[32]byte]composed)}
}

func (s *Shared) collateral(c *quote.Collateral, root *quote.Root, at time.Time) *quote.Checked {
	check := func() *quote.Checked { return c.Check(root, at) }
	if s == nil {
		return check()
	}
	return remember(s, s.collaterals, check, []byte(c.PCKCRLIssuerChain), c.RootCACRL, c.PCKCRL, []byte(c.TCBInfoIssuerChain), []byte(c.TCBInfo), c.TCBInfoSignature,
		[]byte(c.QEIdentityIssuerChain), []byte(c.QEIdentity), c.QEIdentitySignature)
}

// compose judges an app-compose. Of what is expected, only the kinds of launch and of
// system differ within a batch.
func (s *Shared) compose(ctx context.Context, data []byte, expect compose.Expect) (*compose.Result, error) {
	judge := func() composed {
		r, err := compose.Judge(ctx, data, expect)
		return composed{r, err}
	}
	if s == nil {
		c := judge()
		return c.result, c.err
	}
	c := remember(s, s.composes, judge, fmt.Append(nil, expect.Image, int(expect.System)), data)
	return c.result, c.err
}

// remember returns what was computed for the same input before, or computes it. Where
// one part ends and the next begins counts, too.
func remember[V any](s *Shared, in map[[32]byte]V, compute func() V, input ...[]byte) V {
	h, size := sha256.New(), 0
	for _, part := range input {
		size += len(part)
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	if size > maxSharedInput {
		return compute()
	}
	key := [32]byte(h.Sum(nil))
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
