package remote

import (
	"errors"
	"net/url"
	"strings"
	"testing"
)

// TestProxyFor: which proxy the variables name for an address, and which values are refused
// without being quoted.
func TestProxyFor(t *testing.T) {
	for _, c := range []struct{ target, env, want string }{
		{"https://h/x", "", ""},
		{"https://h/x", "https_proxy=http://p:1", "http://p:1"},
		{"https://h/x", "HTTPS_PROXY=p:1", "http://p:1"},
		{"https://h/x", "https_proxy=http://a:1 HTTPS_PROXY=http://b:1", "http://a:1"},
		{"https://h/x", "https_proxy= HTTPS_PROXY=http://b:1", ""},
		{"https://h/x", "http_proxy=http://p:1", ""},
		{"https://h/x", "all_proxy=socks5h://p:1", "socks5h://p:1"},
		{"https://h/x", "ALL_PROXY=http://a:1 https_proxy=http://b:1", "http://b:1"},
		{"http://h/x", "https_proxy=http://p:1", ""},
		{"http://h/x", "http_proxy=http://me:pw@p:1", "http://me:pw@p:1"},
		{"http://h/x", "HTTP_PROXY=https://p:1", "https://p:1"},
		{"http://127.0.0.1/x", "http_proxy=http://p:1", ""},
		{"http://localhost:8080/x", "http_proxy=http://p:1", ""},
		{"http://[::1]/x", "all_proxy=http://p:1", ""},
		{"http://git.h/x", "http_proxy=http://p:1 no_proxy=h", ""},
		{"http://git.h/x", "http_proxy=http://p:1 no_proxy=.h", ""},
		{"http://h/x", "http_proxy=http://p:1 no_proxy=.h", ""},
		{"http://git.h/x", "http_proxy=http://p:1 no_proxy=it.h", "http://p:1"},
		{"http://h:81/x", "http_proxy=http://p:1 no_proxy=h:80", "http://p:1"},
		{"http://10.1.2.3/x", "http_proxy=http://p:1 no_proxy=10.0.0.0/8", ""},
		{"http://h/x", "http_proxy=http://p:1 NO_PROXY=a,b\th,c", ""},
		{"http://h/x", "http_proxy=http://p:1 NO_PROXY=h no_proxy=", "http://p:1"},
		{"http://h/x", "http_proxy=http://p:1 NO_PROXY=*", ""},
	} {
		target, err := url.Parse(c.target)
		if err != nil {
			t.Fatal(err)
		}
		got, err := proxyFor(variables(c.env), target)
		shown := ""
		if got != nil {
			shown = got.String()
		}
		if err != nil || shown != c.want {
			t.Errorf("%s with %s: %q, %v", c.target, c.env, shown, err)
		}
	}
	for env, reason := range map[string]string{
		"http_proxy=socks4://me:sekrit@p:1":   "the variable http_proxy names a proxy that is not supported",
		"HTTP_PROXY=http://me:sekrit@":        "the variable HTTP_PROXY is not the address of a proxy",
		"all_proxy=http://me:sekrit@p:port":   "the variable all_proxy is not the address of a proxy",
		"http_proxy=http://me:sekrit%zz@p:80": "the variable http_proxy is not the address of a proxy",
	} {
		_, err := proxyFor(variables(env), &url.URL{Scheme: "http", Host: "h"})
		var fault *ProxyError
		if !errors.As(err, &fault) || !strings.Contains(err.Error(), reason) || strings.Contains(err.Error(), "sekrit") {
			t.Errorf("%s: %v", env, err)
		}
	}
}

// variables looks names up in a text of NAME=VALUE pairs with spaces between them. A tab in a
// value stands for a space.
func variables(text string) func(string) (string, bool) {
	set := make(map[string]string)
	for pair := range strings.SplitSeq(text, " ") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			set[name] = strings.ReplaceAll(value, "\t", " ")
		}
	}
	return func(name string) (string, bool) {
		v, ok := set[name]
		return v, ok
	}
}

// TestProxySecrets: what lets in is a secret in each variable and form, and nothing else is.
func TestProxySecrets(t *testing.T) {
	for env, want := range map[string]string{
		"": "", "http_proxy=p:1": "", "http_proxy=http://p:1": "", "http_proxy=http://%zz@p:1": "",
		"http_proxy=http://me:sekrit@p:1":        "sekrit bWU6c2Vrcml0",
		"HTTPS_PROXY=me:sekr%69t@p:1":            "sekrit bWU6c2Vrcml0",
		"all_proxy=socks5h://sekrit@p:1":         "sekrit c2Vrcml0Og==",
		"http_proxy=a:b1@p:1 ALL_PROXY=a:b2@p:1": "b1 YTpiMQ== b2 YTpiMg==",
	} {
		if got := strings.Join(ProxySecrets(variables(env)), " "); got != want {
			t.Errorf("%s: %q", env, got)
		}
	}
}
