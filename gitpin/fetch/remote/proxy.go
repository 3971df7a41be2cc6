package remote

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// ProxyError is a variable that names no usable proxy. It never quotes the variable's value,
// which may hold a password.
type ProxyError struct{ Name, Reason string }

func (e *ProxyError) Error() string { return fmt.Sprintf("the variable %s %s", e.Name, e.Reason) }

// proxyFor returns the proxy that variables name for an address, or nil for none. Git reads
// the variables the same way: the lowercase name wins, an empty value turns proxies off, and
// ALL_PROXY counts if the variable of the scheme is not set. Addresses of this machine itself
// are never reached through a proxy.
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
		return nil, &ProxyError{name, "is not the address of a proxy, which is [http://][user:password@]host:port"}
	case proxy.Scheme != "http" && proxy.Scheme != "https" && proxy.Scheme != "socks5" && proxy.Scheme != "socks5h":
		return nil, &ProxyError{name, "names a proxy that is not supported; http://, https://, socks5:// and socks5h:// are"}
	}
	return proxy, nil
}

// ProxySecrets lists what lets a request through the proxies that variables name, and what is
// sent for it. A proxy may repeat both.
func ProxySecrets(env func(string) (string, bool)) []string {
	var secrets []string
	for _, name := range []string{"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"} {
		value, _ := env(name)
		if value = strings.TrimSpace(value); !strings.Contains(value, "://") {
			value = "http://" + value
		}
		proxy, err := url.Parse(value)
		if err != nil || proxy.User == nil {
			continue
		}
		secret, has := proxy.User.Password()
		login := proxy.User.Username() + ":" + secret
		if !has { // then the name is all that lets in
			secret = proxy.User.Username()
		}
		secrets = append(secrets, secret, base64.StdEncoding.EncodeToString([]byte(login)))
	}
	return secrets
}

// exempt reports whether NO_PROXY lists an address. Its entries may be separated by blanks,
// and may begin with a dot, as for curl.
func exempt(target *url.URL, except string) bool {
	var list []string
	for entry := range strings.FieldsFuncSeq(except, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		list = append(list, strings.TrimPrefix(entry, "."))
	}
	c := httpproxy.Config{HTTPProxy: "http://proxy.invalid", HTTPSProxy: "http://proxy.invalid", NoProxy: strings.Join(list, ",")}
	proxy, err := c.ProxyFunc()(target)
	return err == nil && proxy == nil
}
