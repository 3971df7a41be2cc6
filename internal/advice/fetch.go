package advice

import "gitlauncher/gitpin/fetch"

func fetchHint(r fetch.Reason) string {
	switch r {
	case fetch.Auth:
		return "give a credential that may read the repository (AUTH_TOKEN_ENV or AUTH_TOKEN_FILE, with https://USER@host/ where the host wants the user's name; SSH_KEY_ENV or SSH_KEY_FILE; for pin --auth-token-file or --ssh-key-file)"
	case fetch.NotFound:
		return "check REPO_URL; hosts also answer so where a credential is missing (AUTH_TOKEN_ENV or AUTH_TOKEN_FILE)"
	case fetch.Untrusted:
		return "check the host's certificate, or its key (SSH_HOST_KEY, SSH_KNOWN_HOSTS_FILE), before anything else"
	case fetch.Authority:
		return "for a private authority name its certificate in TLS_CA_FILE (or in the variable SSL_CERT_FILE); if the host has a public one, somebody may be in between"
	case fetch.ClientCert:
		return "name a certificate that the host takes in TLS_CLIENT_CERT_FILE, and its key in TLS_CLIENT_KEY_FILE"
	case fetch.Clock:
		return "look at this machine's clock, then at the host's certificate"
	case fetch.Proxy:
		return "look at the proxy, and at the variables https_proxy, http_proxy, all_proxy and no_proxy"
	case fetch.Stalled:
		return "look at the network and the Git host; for a slow host raise --stall-timeout or --pack-timeout"
	case fetch.TimedOut:
		return "look at the network and the Git host; for a large repository raise --fetch-timeout"
	case fetch.TooLarge:
		return "if the repository is meant to be that large, raise the limit (--max-pack-bytes, --max-tree-bytes, --max-files)"
	case fetch.Unsuitable:
		return "the Git host can't serve this pin; see what it answered"
	case fetch.BadBundle:
		return "make the bundle anew, of all that leads to the pin (git bundle create FILE REF, without a filter), and copy it whole"
	case fetch.Refused:
		return "see what the Git host says"
	case fetch.BadAnswer:
		return "the Git host sent a broken answer; try again, and look for a proxy in between"
	}
	return "look at the network and the Git host, then start again"
}
