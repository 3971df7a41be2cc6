package address

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// reportData is the length of a quote's report data, as hex.
const reportData = 2 * 64

// ErrOtherKey says that the two answers of a guest agent came from two servers.
var ErrOtherKey = errors.New("the server has another key at the second question than at the first")

// agent reports whether an address is that of a guest agent's method that makes a quote:
// GetQuote of dstack 0.5, Attest of dstack 0.6. Some deployments let anyone ask for it.
func agent(u *url.URL) bool {
	method := path.Base(u.Path)
	return method == "GetQuote" || method == "Attest"
}

// askAgent asks as dstack's SDK does: for a quote whose report data is the nonce,
// followed by zeros, and for Info, which is beside that method. Together the two
// answers are evidence.
func (c *Client) askAgent(ctx context.Context, u *url.URL, nonce string, limit int64) (*Answer, error) {
	if len(nonce) > reportData {
		return nil, fmt.Errorf("a quote has room for a nonce of %d bytes", reportData/2)
	}
	question, err := json.Marshal(map[string]string{"report_data": nonce + strings.Repeat("0", reportData-len(nonce))})
	if err != nil {
		return nil, err
	}
	quote, err := c.ask(ctx, http.MethodPost, u, question, limit)
	if err != nil {
		return nil, err
	}
	info, err := c.ask(ctx, http.MethodPost, u.JoinPath("..", "Info"), []byte("{}"), limit-int64(len(quote.Data)))
	switch {
	case err != nil:
		return nil, err
	case !bytes.Equal(quote.SPKI, info.SPKI):
		return nil, fmt.Errorf("%s: %w", u.Host, ErrOtherKey)
	}
	return &Answer{append(append(quote.Data, '\n'), info.Data...), quote.SPKI}, nil
}
