package gitpin

import (
	"io"
	"os"
	"strings"
	"syscall"
)

// readToken reads the token for https, if there is to be one.
func (f *fetcher) readToken() error {
	if f.Auth.TokenFile == "" {
		return nil
	}
	token, err := readCredential(f.Auth.TokenFile)
	if err != nil {
		return err
	}
	f.token = strings.TrimSpace(string(token))
	if f.token == "" || strings.ContainsAny(f.token, "\r\n\x00") {
		return &CredentialError{f.Auth.TokenFile, "does not hold one token on one line"}
	}
	return nil
}

// readCredential reads a secret's file. Its errors name the file alone.
func readCredential(path string) ([]byte, error) {
	const most = 64 << 10
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
