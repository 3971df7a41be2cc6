// Package dstack talks to dstack's guest agent. No other package does. It wraps dstack's Go
// SDK. No environment variable leads to another socket, every call has a deadline, and every
// answer that matters is decoded strictly.
//
// The agent is part of the measured system, and is trusted to report the register. Its log
// is checked against the register anyway (package measure).
//
// API: the specification of the guest API, versions 0 and 1, in the folder docs of
// https://github.com/Dstack-TEE/dstack.
package dstack

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	sdk "github.com/Dstack-TEE/dstack/sdk/go/dstack"

	"gitlauncher/internal/bounded"
	"gitlauncher/internal/printable"
	"gitlauncher/internal/strictjson"
	"gitlauncher/measure"
)

// SocketError says why an endpoint can't be a guest agent's.
type SocketError struct{ Path, Reason string }

func (e *SocketError) Error() string {
	return fmt.Sprintf("guest agent socket %s %s", e.Path, e.Reason)
}

// CallError reports a call that failed, or whose answer can't be read.
type CallError struct {
	Call string // "EmitEvent", "GetQuote", "Info" or "Version"
	Err  error
}

func (e *CallError) Error() string { return "guest agent: " + e.Call + ": " + e.Err.Error() }
func (e *CallError) Unwrap() error { return e.Err }

// Client calls one guest agent. It implements [measure.Extender].
type Client struct {
	sdk     *sdk.DstackClient
	timeout time.Duration
}

// New returns a client for the socket at the absolute path endpoint. timeout is for one
// call. The error is a *[SocketError].
func New(endpoint string, timeout time.Duration, log *slog.Logger) (*Client, error) {
	if !strings.HasPrefix(endpoint, "/") {
		return nil, &SocketError{endpoint, "is not an absolute path"}
	}
	info, err := os.Stat(endpoint)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &SocketError{endpoint, "does not exist"}
	case err != nil:
		return nil, &SocketError{endpoint, "can't be looked at: " + errors.Unwrap(err).Error()}
	case info.Mode().Type() != fs.ModeSocket:
		return nil, &SocketError{endpoint, "is not a socket"}
	}
	return &Client{
		sdk:     sdk.NewDstackClient(sdk.WithEndpoint(endpoint), sdk.WithLogger(log)),
		timeout: timeout,
	}, nil
}

// call makes one call of the SDK under the client's deadline.
func call[T any](ctx context.Context, c *Client, name string, do func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("no answer within %v", c.timeout))
	defer cancel()
	v, err := bounded.Call(ctx, func() (T, error) { return do(ctx) })
	switch {
	case err == nil:
		return v, nil
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	default:
		err = explain(err)
	}
	var none T
	return none, &CallError{name, err}
}

// sdkStatus begins the SDK's error for an HTTP status that is not 200. The SDK has no type
// for it.
const sdkStatus = "unexpected status code: "

// statusError is an HTTP status that is not 200.
type statusError struct {
	code string
	body string // the agent's answer
}

func (e *statusError) Error() string {
	return "HTTP status " + e.code + ": " + printable.Line(e.body)
}

// removed begins the error with which dstack 0.6 and later answer EmitEvent. Its HTTP status
// is 400, as for every other failure.
const removed = "EmitEvent was removed in dstack "

// noEmit reports whether the agent has no EmitEvent: dstack has removed it, or there is no
// such method or path (404).
func (e *statusError) noEmit() bool {
	var said struct {
		Error string `json:"error"`
	}
	err := strictjson.Unmarshal([]byte(e.body), &said)
	return e.code == "404" || e.code == "400" && err == nil && strings.HasPrefix(said.Error, removed)
}

// explain returns a *statusError for an SDK error that reports an HTTP status, and any other
// error as it is.
func explain(err error) error {
	rest, isStatus := strings.CutPrefix(err.Error(), sdkStatus)
	if !isStatus {
		return err
	}
	code, body, _ := strings.Cut(rest, ", body: ")
	return &statusError{code, body}
}

// Version returns the version that the guest agent reports, such as "0.6.6". It proves
// nothing. Agents before 0.5.7 have no such call. The error is a *[CallError].
func (c *Client) Version(ctx context.Context) (string, error) {
	v, err := call(ctx, c, "Version", func(ctx context.Context) (*sdk.VersionResponse, error) { return c.sdk.GetVersion(ctx) })
	if err != nil {
		return "", err
	}
	return printable.Line(v.Version), nil
}

// Emit extends RTMR3 with the event. After an error it may have done so, unless the error is
// [measure.ErrNoEmit]. Errors wrap a *[CallError].
func (c *Client) Emit(ctx context.Context, e measure.Event) error {
	_, err := call(ctx, c, "EmitEvent", func(ctx context.Context) (struct{}, error) {
		return struct{}{}, c.sdk.EmitEvent(ctx, e.Name, e.Payload)
	})
	var status *statusError
	if errors.As(err, &status) && status.noEmit() {
		return fmt.Errorf("%w (%w)", measure.ErrNoEmit, err)
	}
	return err
}

// tcbInfo is the JSON inside Info's tcb_info, as far as it matters here.
type tcbInfo struct {
	RTMR3      string      `json:"rtmr3"`
	EventLog   measure.Log `json:"event_log"`
	AppCompose string      `json:"app_compose"`
}

// State reads log, register and app-compose from one Info answer. The error is a
// *[CallError].
func (c *Client) State(ctx context.Context) (measure.State, error) {
	info, err := c.Info(ctx)
	if err != nil {
		return measure.State{}, err
	}
	state, err := parseState(info.TCBInfo)
	if err != nil {
		return measure.State{}, &CallError{"Info", err}
	}
	return state, nil
}

func parseState(tcb string) (measure.State, error) {
	var info tcbInfo
	if err := strictjson.Unmarshal([]byte(tcb), &info); err != nil {
		return measure.State{}, fmt.Errorf("tcb_info: %w", err)
	}
	reg, err := measure.ParseRegister(info.RTMR3)
	if err != nil {
		return measure.State{}, fmt.Errorf("tcb_info: rtmr3: %w", err)
	}
	return measure.State{Log: info.EventLog, RTMR3: reg, AppCompose: info.AppCompose}, nil
}

// Info returns the agent's answer in the form that a receipt has. The error is a
// *[CallError].
func (c *Client) Info(ctx context.Context) (measure.ReceiptInfo, error) {
	r, err := call(ctx, c, "Info", func(ctx context.Context) (*sdk.InfoResponse, error) { return c.sdk.Info(ctx) })
	if err != nil {
		return measure.ReceiptInfo{}, err
	}
	return measure.ReceiptInfo{
		AppID: r.AppID, InstanceID: r.InstanceID, AppName: r.AppName, DeviceID: r.DeviceID,
		ComposeHash: r.ComposeHash, OSImageHash: r.OsImageHash, MrAggregated: r.MrAggregated,
		KeyProviderInfo: r.KeyProviderInfo, VMConfig: r.VmConfig, TCBInfo: r.TcbInfo,
	}, nil
}

// Receipt asks the agent for a quote whose report data is [measure.Asked.ReportData]. It
// returns the quote with everything else that a verifier needs. Errors are [*CallError].
func (c *Client) Receipt(ctx context.Context, binding measure.Binding, record []byte, asked measure.Asked) (*measure.Receipt, error) {
	data := asked.ReportData(record)
	q, err := call(ctx, c, "GetQuote", func(ctx context.Context) (*sdk.GetQuoteResponse, error) {
		return c.sdk.GetQuote(ctx, data[:])
	})
	if err != nil {
		return nil, err
	}
	quote, err := hex.DecodeString(strings.TrimPrefix(q.Quote, "0x"))
	if err != nil || len(quote) == 0 {
		return nil, &CallError{"GetQuote", errors.New("the quote is not hex")}
	}
	info, err := c.Info(ctx)
	if err != nil {
		return nil, err
	}
	return &measure.Receipt{
		Version: asked.Version(), Binding: binding, Record: string(record), Nonce: hex.EncodeToString(asked.Nonce), Key: asked.Key,
		Quote: hex.EncodeToString(quote), EventLog: q.EventLog, ReportData: hex.EncodeToString(data[:]),
		VMConfig: q.VmConfig, Info: info,
	}, nil
}
