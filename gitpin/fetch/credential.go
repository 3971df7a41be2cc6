package fetch

import (
	"io"
	"os"
	"strings"
	"syscall"
)

// Credentials names the files of credentials. Their contents go to the repository's own
// host only.
type Credentials struct {
	TokenFile, SSHKeyFile, KnownHostsFile string
}

// token reads the token for https; it is empty if there is to be none.
func (c Credentials) token() (string, error) {
	if c.TokenFile == "" {
		return "", nil
	}
	content, err := readCredential(c.TokenFile)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(content))
	if token == "" || strings.ContainsAny(token, "\r\n\x00") {
		return "", &CredentialError{c.TokenFile, "does not hold one token on one line"}
	}
	return token, nil
}

// readCredential reads a secret's file. Its errors name the file alone.
func readCredential(path string) ([]byte, error) {
	const most = 64 << 10                                          // bytes; keys and tokens have a few thousand
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe is not waited for
	if err != nil {
		return nil, &CredentialError{path, "can't be opened"}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil || len(data) > most {
		return nil, &CredentialError{path, "can't be read, or is larger than 64 KiB"}
	}
	return data, nil
}
