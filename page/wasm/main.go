//go:build js

// Command wasm is the page's verifier: package offline, as functions for the page's
// script.
package main

import (
	"context"
	"errors"
	"io"
	"syscall/js"
	"time"

	"github.com/sirupsen/logrus"

	"gitlauncher/internal/offline"
	"gitlauncher/internal/printable"
	"gitlauncher/internal/version"
	"gitlauncher/policy"
	"gitlauncher/verify/evidence"
)

func main() {
	logrus.SetOutput(io.Discard) // as in the command
	roles := []any{}
	for _, r := range offline.Roles() {
		roles = append(roles, string(r))
	}
	keys := []any{}
	for _, k := range policy.Keys() {
		keys = append(keys, map[string]any{"name": k.Name, "form": k.Form, "help": k.Help})
	}
	js.Global().Get("gitLauncher").Call("ready", map[string]any{
		"version": version.String(), "largest": evidence.MaxSize, "roles": roles, "keys": keys,
		"guess": js.FuncOf(func(_ js.Value, args []js.Value) any { return string(offline.Guess(bytes(args[0]))) }),
		"judge": js.FuncOf(func(_ js.Value, args []js.Value) any { return judge(args[0], args[1].String()) }),
	})
	select {} // the functions are called from now on
}

// judge judges files of {name, role, data}, as of a time of RFC 3339, and returns
// {json}, or {error, code}.
func judge(list js.Value, at string) map[string]any {
	moment, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return failure(errors.New("the moment is not a time of RFC 3339, as in 2026-08-20T00:00:00Z"))
	}
	files := make([]offline.File, list.Length())
	for i := range files {
		f := list.Index(i)
		files[i] = offline.File{Name: f.Get("name").String(), Role: offline.Role(f.Get("role").String()), Data: bytes(f.Get("data"))}
	}
	report, err := offline.Judge(context.Background(), files, moment)
	if err != nil {
		return failure(err)
	}
	text, err := printable.Document(report)
	if err != nil {
		return failure(err)
	}
	return map[string]any{"json": string(text)}
}

func failure(err error) map[string]any {
	code := 2
	var invalid *offline.InvalidError
	if errors.As(err, &invalid) {
		code = 3
	}
	return map[string]any{"error": err.Error(), "code": code}
}

// bytes returns a copy of a Uint8Array.
func bytes(v js.Value) []byte {
	data := make([]byte, v.Length())
	js.CopyBytesToGo(data, v)
	return data
}
