package exception_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"gitlauncher/verify/compose/exception"
)

// TestOn: each way in which a policy can have an exception, and what it accepts.
func TestOn(t *testing.T) {
	const name = "service:x"
	file := exception.Of(name, map[string]any{"image": "x"})
	file.File = true
	app := exception.OfText("init_script", []byte("x"))
	never := file
	never.Never = true
	unbound := exception.Exception{Name: name, File: true}
	other := name + "@sha256:" + strings.Repeat("0", 64)
	for _, tc := range []struct {
		what   string
		e      exception.Exception
		policy exception.Policy
		want   exception.Answer
	}{
		{"nothing", file, exception.Policy{}, exception.Unaccepted},
		{"another name", file, exception.Policy{Allow: []string{"service:y", file.Bound() + "x"}, AppPinned: true}, exception.OtherContent},
		{"its content", file, exception.Policy{Allow: []string{file.Bound()}}, exception.Accepted},
		{"its content, among others", file, exception.Policy{Allow: []string{other, name, file.Bound()}}, exception.Accepted},
		{"another content", file, exception.Policy{Allow: []string{other}, AppPinned: true, FilePinned: true}, exception.OtherContent},
		{"its name", file, exception.Policy{Allow: []string{name}}, exception.ByName},
		{"its name, the file pinned", file, exception.Policy{Allow: []string{name}, FilePinned: true}, exception.Accepted},
		{"its name, the whole pinned", file, exception.Policy{Allow: []string{name}, AppPinned: true}, exception.Accepted},
		{"its name and another content", file, exception.Policy{Allow: []string{other, name}}, exception.ByName},
		{"a script's name, the file pinned", app, exception.Policy{Allow: []string{"init_script"}, FilePinned: true}, exception.ByName},
		{"a script's name, the whole pinned", app, exception.Policy{Allow: []string{"init_script"}, AppPinned: true}, exception.Accepted},
		{"what nothing accepts", never, exception.Policy{Allow: []string{name, never.Bound()}, AppPinned: true}, exception.Unaccepted},
		{"what can't be bound, by its name", unbound, exception.Policy{Allow: []string{name}}, exception.ByName},
		{"what can't be bound, the file pinned", unbound, exception.Policy{Allow: []string{name}, FilePinned: true}, exception.Accepted},
	} {
		if got := tc.policy.On(tc.e); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.what, got, tc.want)
		}
	}
}

// TestCanonical: RFC 8785's order, numbers and escapes, also of values that are no
// objects.
func TestCanonical(t *testing.T) {
	for text, want := range map[string]string{
		`"a\u0062<>&\u2028é"`: "\"ab<>&\u2028é\"", `1.50`: `1.5`, `1e3`: `1000`, `null`: `null`, ` [ 2, 1 ] `: `[2,1]`,
		`{"b":1,"a":{"ö":1,"z":2}}`: `{"a":{"z":2,"ö":1},"b":1}`, `"\n\u001f\/"`: `"\n\u001f/"`,
	} {
		if e := exception.OfJSON("x", json.RawMessage(text)); string(e.Content) != want {
			t.Errorf("%s is %s, want %s", text, e.Content, want)
		}
	}
	if e := exception.OfJSON("x", json.RawMessage(`{`)); e.Content != nil || e.Bound() != "x" {
		t.Errorf("what is no JSON is bound as %s", e.Bound())
	}
	if e := exception.Of("x", func() {}); e.Content != nil {
		t.Errorf("what has no JSON is bound as %s", e.Bound())
	}
}

func ExamplePolicy_On() {
	script := exception.OfText("pre_launch_script", []byte("echo hello\n"))
	fmt.Println(script.Bound())
	fmt.Println(exception.Policy{Allow: []string{script.Bound()}}.On(script) == exception.Accepted)
	fmt.Println(exception.Policy{Allow: []string{"pre_launch_script"}}.On(script) == exception.Accepted)
	// Output:
	// pre_launch_script@sha256:5dbad7dd0b9b122dcd9956884390f4aac4738caba8ff53498a7ab6718b176c30
	// true
	// false
}
