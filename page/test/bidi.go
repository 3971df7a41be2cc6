// Package test drives the page in the browsers of this machine as a person would: with
// files, keys and eyes. It is a separate module, so that no program links what it
// needs.
//
// Both browsers speak WebDriver BiDi: Firefox directly, Chromium through its driver.
package test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/coder/websocket"
)

// bidi is a connection over which a browser is driven.
type bidi struct {
	conn    *websocket.Conn
	mu      sync.Mutex
	next    int
	waiting map[int]chan answer
	onEvent func(method string, params json.RawMessage)
	err     error // why nothing more comes
}

type answer struct {
	ID      int             `json:"id"`
	Type    string          `json:"type"`
	Result  json.RawMessage `json:"result"`
	Error   string          `json:"error"`
	Message string          `json:"message"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

// mostAnswer bounds one answer, in bytes: a screenshot, say.
const mostAnswer = 64 << 20

func dial(ctx context.Context, address string, onEvent func(string, json.RawMessage)) (*bidi, error) {
	conn, _, err := websocket.Dial(ctx, address, nil)
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(mostAnswer)
	b := &bidi{conn: conn, waiting: make(map[int]chan answer), onEvent: onEvent}
	go b.read(context.WithoutCancel(ctx))
	return b, nil
}

func (b *bidi) read(ctx context.Context) {
	for {
		_, data, err := b.conn.Read(ctx)
		var a answer
		if err == nil {
			err = json.Unmarshal(data, &a)
		}
		if err != nil {
			b.mu.Lock()
			b.err = err
			for _, c := range b.waiting {
				close(c)
			}
			b.waiting = nil
			b.mu.Unlock()
			return
		}
		if a.Type == "event" {
			b.onEvent(a.Method, a.Params)
			continue
		}
		b.mu.Lock()
		c := b.waiting[a.ID]
		delete(b.waiting, a.ID)
		b.mu.Unlock()
		if c != nil {
			c <- a
		}
	}
}

// call sends one command and reads its result.
func (b *bidi) call(ctx context.Context, method string, params, result any) error {
	b.mu.Lock()
	if b.waiting == nil {
		b.mu.Unlock()
		return fmt.Errorf("%s: the browser is gone: %w", method, b.err)
	}
	b.next++
	id, c := b.next, make(chan answer, 1)
	b.waiting[id] = c
	b.mu.Unlock()
	data, err := json.Marshal(map[string]any{"id": id, "method": method, "params": params})
	if err != nil {
		return err
	}
	if err := b.conn.Write(ctx, websocket.MessageText, data); err != nil {
		return err
	}
	select {
	case a, ok := <-c:
		switch {
		case !ok:
			return fmt.Errorf("%s: the browser is gone: %w", method, b.err)
		case a.Type != "success":
			return fmt.Errorf("%s: %s: %s", method, a.Error, a.Message)
		case result == nil:
			return nil
		}
		return json.Unmarshal(a.Result, result)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, ctx.Err())
	}
}
