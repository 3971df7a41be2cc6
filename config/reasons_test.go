package config_test

import (
	"errors"
	"strings"
	"testing"

	"gitlauncher/config"
)

const (
	ssh     = "REPO_URL=ssh://git@example.org/r.git\nCOMMIT_SHA=" + sha + "\n"
	sshKeys = "SSH_KEY_FILE=/k\nSSH_KNOWN_HOSTS_FILE=/h\n"
)

// TestReasons: the error names the key that is wrong, and the reason of that rule.
func TestReasons(t *testing.T) {
	const missingHost = "an ssh repository needs the host keys to expect"
	for _, c := range []struct{ text, key, reason string }{
		{"COMMIT_SHA=" + sha, "REPO_URL", "is missing"},
		{"REPO_URL=https://example.org/r.git", "COMMIT_SHA", "is missing"},
		{good + "INSTALL_CMD=x", "INSTALL_CMD", "needs RUN_CMD"},
		{good + "RUN_CMD=x\nENTRYPOINT_SCRIPT=x", "ENTRYPOINT_SCRIPT", "has no effect beside RUN_CMD"},
		{good + "RUN_CMD=x\nENTRYPOINT_SHA256=" + strings.Repeat("ab", 32), "ENTRYPOINT_SHA256", "has no effect beside RUN_CMD"},
		{good + "ALLOW_ENV=GIT_LAUNCHER_CONFIG", "ALLOW_ENV", "keeps from the workload in any case"},
		{good + "AUTH_TOKEN_ENV=T\nALLOW_ENV=A,T", "ALLOW_ENV", "keeps from the workload in any case"},
		{good + "AUTH_TOKEN_FILE=/t\nAUTH_TOKEN_ENV=T", "AUTH_TOKEN_ENV", "stands beside AUTH_TOKEN_FILE"},
		{ssh + sshKeys + "SSH_KEY_ENV=K", "SSH_KEY_ENV", "stands beside SSH_KEY_FILE"},
		{ssh + sshKeys + "SSH_HOST_KEY=" + hostKey, "SSH_HOST_KEY", "stands beside SSH_KNOWN_HOSTS_FILE"},
		{ssh + sshKeys + "AUTH_TOKEN_FILE=/t", "AUTH_TOKEN_FILE", "is for https:// repositories only"},
		{ssh + sshKeys + "AUTH_TOKEN_ENV=T", "AUTH_TOKEN_ENV", "is for https:// repositories only"},
		{strings.Replace(good, "https", "http", 1) + "AUTH_TOKEN_FILE=/t", "AUTH_TOKEN_FILE", "would send the token in clear"},
		{strings.Replace(good, "https", "http", 1) + "AUTH_TOKEN_ENV=T", "AUTH_TOKEN_ENV", "would send the token in clear"},
		{good + "SSH_KEY_FILE=/k", "SSH_KEY_FILE", "is for ssh repositories only"},
		{good + "SSH_KEY_ENV=K", "SSH_KEY_ENV", "is for ssh repositories only"},
		{good + "SSH_KNOWN_HOSTS_FILE=/h", "SSH_KNOWN_HOSTS_FILE", "is for ssh repositories only"},
		{good + "SSH_HOST_KEY=" + hostKey, "SSH_HOST_KEY", "is for ssh repositories only"},
		{ssh + sshKeys + "TLS_CLIENT_CERT_FILE=/c", "TLS_CLIENT_CERT_FILE", "is for https:// repositories only"},
		{ssh + sshKeys + "TLS_CA_FILE=/c", "TLS_CA_FILE", "is for https:// repositories only"},
		{good + "AUTH_SCHEME=bearer", "AUTH_SCHEME", "has no effect without a token"},
		{strings.Replace(good, "https://", "https://me@", 1) + "AUTH_TOKEN_FILE=/t\nAUTH_SCHEME=bearer", "AUTH_SCHEME", "bearer sends no user name"},
		{good + "TLS_CLIENT_KEY_FILE=/k", "TLS_CLIENT_KEY_FILE", "has no effect without TLS_CLIENT_CERT_FILE"},
		{ssh + "SSH_KNOWN_HOSTS_FILE=/h", "SSH_KEY_FILE", "needs a key to log in with"},
		{ssh + "SSH_KEY_FILE=/k", "SSH_KNOWN_HOSTS_FILE", missingHost},
		{ssh + "SSH_KEY_ENV=K", "SSH_KNOWN_HOSTS_FILE", missingHost},
		{ssh + "SSH_KEY_FILE=/k\nSSH_HOST_KEY=" + strings.Replace(hostKey, "ssh-ed25519", "ssh-rsa", 1), "SSH_HOST_KEY", "names one type of host key and holds a key of another"},
		{ssh + "SSH_KEY_FILE=/k\nSSH_HOST_KEY=ssh-ed25519", "SSH_HOST_KEY", "is not a host key"},
		{ssh + "SSH_KEY_FILE=/k\nSSH_HOST_KEY=x AAAA", "SSH_HOST_KEY", "is not a host key"},
		{ssh + "SSH_KEY_FILE=/k\nSSH_HOST_KEY=x AAAABHg=", "SSH_HOST_KEY", "names one type of host key and holds a key of another"},
		{good + "RUN_CMD=x\r", "", "Windows line endings"},
		{good + "RUN_CMD=x\x00", "", "has a NUL byte"},
		{good + "RUN_CMD=x\x1f", "", "has a control character"},
		{good + "RUN_CMD=x\x7f", "", "has a control character"},
		{good + "RUN_CMD=x\xff", "", "is not valid UTF-8"},
		{good + "export RUN_CMD=x", "", "begins with export"},
		{good + "RUN_CMD", "", "is not KEY=VALUE"},
		{"\xef\xbb\xbf" + good, "", "byte-order mark"},
		{good + "COMMIT_SHA=" + sha, "COMMIT_SHA", "stands twice; it is already on line 2"},
		{good + "WORK_DIR=/w #x", "WORK_DIR", "has a comment after its value"},
		{good + "WORK_DIR=/w ", "WORK_DIR", "has a blank at its end"},
		{good + "WORK_DIR= /w", "WORK_DIR", "has a blank after the ="},
		{"REPO_URL=file:///a%1fb\nCOMMIT_SHA=" + sha, "REPO_URL", "control character"},
		{good + "WORK_DIR=/", "WORK_DIR", "must not be /"},
		{good + "FETCH_DEPTH=2", "FETCH_DEPTH", "is neither 1 nor full"},
		{good + "SUBMODULES=", "SUBMODULES", "is neither none nor recursive"},
		{good + "LFS=true", "LFS", "is neither none nor fetch"},
		{good + "AUTH_TOKEN_FILE=/t\nAUTH_SCHEME=x", "AUTH_SCHEME", "is neither basic nor bearer"},
		{good + "ENTRYPOINT_SCRIPT=./", "ENTRYPOINT_SCRIPT", "names no file"},
		{good + "RUN_CMD= \t", "RUN_CMD", "is empty"},
		{good + "REPO_MIRRORS=", "REPO_MIRRORS", "is empty"},
		{good + "REPO_MIRRORS=/a  /b", "REPO_MIRRORS", "more than one blank"},
		{good + "REPO_MIRRORS=https://h/a,https://h/b", "REPO_MIRRORS", "has a comma between two addresses"},
		{good + "REPO_MIRRORS=https://h/a, https://h/b", "REPO_MIRRORS", "has a comma between two addresses"},
		{good + "REPO_MIRRORS=/a,/b", "REPO_MIRRORS", "has a comma between two addresses"},
		{good + "REPO_MIRRORS=/a,b,file:///c", "REPO_MIRRORS", "has a comma between two addresses"},
		{ssh + sshKeys + "REPO_MIRRORS=/a,git@example.org:x", "REPO_MIRRORS", "has a comma between two addresses"},
		{good + "REPO_MIRRORS=/a https://u:p@h/b", "REPO_MIRRORS", "address 2 holds a credential"},
		{good + "REPO_MIRRORS=/a ext::sh", "REPO_MIRRORS", "address 2 names a transport helper"},
		{good + "REPO_MIRRORS=/a /a", "REPO_MIRRORS", "address 2 repeats REPO_URL or an address before it"},
		{good + "REPO_MIRRORS=https://example.org/r.git", "REPO_MIRRORS", "address 1 repeats REPO_URL or an address before it"},
		{good + "REPO_MIRRORS=git@h:x", "REPO_MIRRORS", "address 1 is over ssh"},
		{ssh + sshKeys + "REPO_MIRRORS=git@example.org:x ssh://git@example.org:2222/x", "REPO_MIRRORS", "address 2 is over ssh"},
		{good + "REPO_MIRRORS=/1 /2 /3 /4 /5 /6 /7 /8 /9", "REPO_MIRRORS", "more than 8 addresses"},
		{ssh + sshKeys + "TLS_CA_FILE=/c\nREPO_MIRRORS=http://h/x", "TLS_CA_FILE", "is for https:// repositories only"},
	} {
		_, err := config.ParseGit("c", []byte(c.text))
		var ce *config.Error
		if !errors.As(err, &ce) || ce.Key != c.key || !strings.Contains(ce.Reason, c.reason) {
			t.Errorf("%s: %v; that is not %s: %s", c.text, err, c.key, c.reason)
		}
	}
}

// TestBeside: these configs are accepted, but for the one with _. That has the form of a
// key and is no known one.
func TestBeside(t *testing.T) {
	for _, text := range []string{
		good + "AUTH_TOKEN_FILE=/t\nAUTH_SCHEME=bearer",
		strings.Replace(good, "https://", "https://me@", 1) + "AUTH_TOKEN_FILE=/t",
		strings.Replace(good, "https://example.org", "http://127.0.0.1", 1) + "AUTH_TOKEN_ENV=T",
		strings.Replace(good, "https://example.org", "http://localhost", 1) + "AUTH_TOKEN_ENV=T",
		good + "TLS_CLIENT_CERT_FILE=/c", good + "TLS_CLIENT_CERT_FILE=/c\nTLS_CLIENT_KEY_FILE=/k\nTLS_CA_FILE=/a",
		ssh + sshKeys, ssh + "SSH_KEY_ENV=K\nSSH_HOST_KEY=" + hostKey,
		good + "RUN_CMD=x # y\nINSTALL_CMD=\tx # y ", "REPO_URL=/a b/r\nCOMMIT_SHA=" + sha,
		good + "REPO_MIRRORS=/1 /2 /3 /4 /5 /6 /7 /8", good + "REPO_MIRRORS=https://h/a,b file:///a%20b http://h/x",
		ssh + sshKeys + "REPO_MIRRORS=git@example.org:other.git ssh://git@EXAMPLE.org:22/x https://h/x\nTLS_CA_FILE=/c",
		ssh + sshKeys + "LFS=fetch\nTLS_CA_FILE=/c", "REPO_URL=/r\nSUBMODULES=recursive\nTLS_CA_FILE=/c\nCOMMIT_SHA=" + sha,
		good + "LFS=fetch", "REPO_URL=/r\nLFS=fetch\nCOMMIT_SHA=" + sha,
		good + "_=x", good + "RUN_CMD=x\nALLOW_ENV=A9,_,Z",
	} {
		_, err := config.ParseGit("c", []byte(text))
		var ce *config.Error
		if err != nil && !(errors.As(err, &ce) && ce.Key == "_" && ce.Reason == "is not a known key") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestSize: the largest config, and a byte more.
func TestSize(t *testing.T) {
	padded := func(size int) []byte { return []byte(good + "#" + strings.Repeat("x", size-len(good)-1)) }
	if _, err := config.ParseGit("c", padded(64<<10)); err != nil {
		t.Error(err)
	}
	var ce *config.Error
	if _, err := config.ParseGit("c", padded(64<<10+1)); !errors.As(err, &ce) || ce.Line != 0 || ce.Reason != "is larger than 64 KiB" {
		t.Errorf("a byte more: %v", err)
	}
}

// TestKeys: capitals, digits and the underscore, and no digit first.
func TestKeys(t *testing.T) {
	for c := rune(1); c < 0x80; c++ {
		for _, key := range []string{string(c) + "A", "A" + string(c)} {
			first := key[0] == byte(c)
			ok := c == '_' || 'A' <= c && c <= 'Z' || !first && '0' <= c && c <= '9'
			_, err := config.Grammar{Keys: []string{key}}.Lines("c", []byte("Q=1\n"+key+"=v"))
			var ce *config.Error
			if !errors.As(err, &ce) || ce.Line != 1 { // because line 1 has Q, which is not known
				t.Fatalf("%q: %v", key, err)
			}
			entries, err := config.Grammar{Keys: []string{key}}.Lines("c", []byte(key+"=v"))
			if otherLine := c == '\n' || first && (c == '#' || c == ' ' || c == '\t') || c == '='; otherLine {
				continue
			}
			if (err == nil) != ok || ok && (len(entries) != 1 || entries[0].Key != key) {
				t.Errorf("%q: %v, %v", key, entries, err)
			}
		}
	}
}

// TestCanonical: the canonical form of a canonical text is that text, whatever its keys.
func TestCanonical(t *testing.T) {
	for _, text := range []string{
		good + "WORK_DIR=/w\nREPO_SUBDIR=a/b\nENTRYPOINT_SCRIPT=s.sh\nALLOW_ENV=A,B\nFETCH_DEPTH=full\nCONTENT_SHA256=" + strings.Repeat("ab", 32) + "\nENTRYPOINT_SHA256=" + strings.Repeat("cd", 32) +
			"\nAUTH_TOKEN_FILE=/t\nAUTH_SCHEME=bearer\nTLS_CLIENT_CERT_FILE=/c\nTLS_CLIENT_KEY_FILE=/k\nTLS_CA_FILE=/a\n",
		good + "WORK_DIR=/w\nRUN_CMD=run \"it\"\nINSTALL_CMD=''quoted''\nAUTH_TOKEN_ENV=T\n",
		ssh + "WORK_DIR=/w\nENTRYPOINT_SCRIPT=entrypoint.sh\n" + sshKeys,
		good + "REPO_MIRRORS=https://h/a,b file:///a%20b\nWORK_DIR=/w\nENTRYPOINT_SCRIPT=s.sh\n",
		ssh + "WORK_DIR=/w\nENTRYPOINT_SCRIPT=entrypoint.sh\nSSH_KEY_ENV=K\nSSH_HOST_KEY=" + hostKey + "\n",
	} {
		g, err := config.ParseGit("c", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(g.Canonical()); got != text {
			t.Errorf("%s\nbecomes\n%s", text, got)
		}
	}
}
