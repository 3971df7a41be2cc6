package remote

import (
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// ProxyError is a variable that names no proxy that can be used. It never holds the
// variable's value, in which a password may stand.
type ProxyError struct{ Name, Reason string }

func (e *ProxyError) Error() string { return fmt.Sprintf("the variable %s %s", e.Name, e.Reason) }

// proxyFor returns the proxy that variables name for an address, or nil for none. They
// are read as git reads them: the name in small letters wins, an empty value turns
// proxies off, and ALL_PROXY stands for the one of the scheme that is not set. An address
// of this machine itself is never asked of a proxy.
func proxyFor(env func(string) (string, bool), target *url.URL) (*url.URL, error) {
	first := func(names ...string) (name, value string) {
		for _, name := range names {
			if value, set := env(name); set {
				return name, strings.TrimSpace(value)
			}
		}
		return "", ""
	}
	names := []string{"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"}
	if target.Scheme == "https" {
		names = []string{"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}
	}
	name, value := first(names...)
	_, except := first("no_proxy", "NO_PROXY")
	if value == "" || exempt(target, except) {
		return nil, nil
	}
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	proxy, err := url.Parse(value)
	switch {
	case err != nil || proxy.Hostname() == "":
		return nil, &ProxyError{name, "is no proxy's address; it is [http://][user:password@]host:port"}
	case proxy.Scheme != "http" && proxy.Scheme != "https" && proxy.Scheme != "socks5" && proxy.Scheme != "socks5h":
		return nil, &ProxyError{name, "names a proxy that is not supported; those of http://, https://, socks5:// and socks5h:// are"}
	}
	return proxy, nil
}

// exempt reports whether an address is one of those in NO_PROXY, which may be separated
// by blanks and begin with a dot, as curl has it.
func exempt(target *url.URL, except string) bool {
	var list []string
	for entry := range strings.FieldsFuncSeq(except, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		list = append(list, strings.TrimPrefix(entry, "."))
	}
	c := httpproxy.Config{HTTPProxy: "http://proxy.invalid", HTTPSProxy: "http://proxy.invalid", NoProxy: strings.Join(list, ",")}
	proxy, err := c.ProxyFunc()(target)
	return err == nil && proxy == nil
}
