// Package lfstest is a Git LFS server that follows the specification (the batch API and
// basic transfers), with hooks for tests that need another one. It stands before a Git
// server of package gittest, and git-lfs itself can fill it.
//
// It is only for tests: arch_test.go keeps it out of the programs.
package lfstest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// Server keeps contents in a directory, by their names.
type Server struct {
	Dir     string
	Token   string // the password that the API's requests need; empty for none
	Storage string // base address of where links lead; empty for the server itself
	// Action changes a link before it is sent.
	Action func(oid string, action map[string]any)
	// Object changes what the answer says of one content.
	Object func(oid string, object map[string]any)
	// Batch and Download answer in place of the server if they return true.
	Batch, Download func(w http.ResponseWriter, r *http.Request) bool

	mu       sync.Mutex
	requests []Request
}

// Request is one request that the server got.
type Request struct {
	Method, Path, Authorization string
	Header                      http.Header
}

// Requests returns the requests since the last call.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.requests
	s.requests = nil
	return out
}

// Put keeps a content, and returns its name.
func (s *Server) Put(content []byte) (oid string, err error) {
	sum := sha256.Sum256(content)
	oid = hex.EncodeToString(sum[:])
	return oid, os.WriteFile(filepath.Join(s.Dir, oid), content, 0o644)
}

var (
	batchPath  = regexp.MustCompile(`/info/lfs/objects/batch$`)
	objectPath = regexp.MustCompile(`/lfs-storage/([0-9a-f]{64})$`)
)

// Habit stands before a Git server, and answers the requests of Git LFS.
func (s *Server) Habit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !batchPath.MatchString(r.URL.Path) && !objectPath.MatchString(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		s.ServeHTTP(w, r)
	})
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, Request{r.Method, r.URL.Path, r.Header.Get("Authorization"), r.Header.Clone()})
	s.mu.Unlock()
	batch := batchPath.MatchString(r.URL.Path)
	switch {
	case batch && s.Batch != nil && s.Batch(w, r), !batch && r.Method == http.MethodGet && s.Download != nil && s.Download(w, r):
	case batch && !s.allowed(r):
		w.Header().Set("LFS-Authenticate", `Basic realm="lfs"`)
		Refuse(w, http.StatusUnauthorized, "Credentials needed")
	case batch:
		s.batch(w, r)
	default:
		s.object(w, r, objectPath.FindStringSubmatch(r.URL.Path)[1])
	}
}

func (s *Server) allowed(r *http.Request) bool {
	_, password, _ := r.BasicAuth()
	return s.Token == "" || password == s.Token || r.Header.Get("Authorization") == "Bearer "+s.Token
}

// Refuse answers with an error in the API's form.
func Refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/vnd.git-lfs+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"message": message, "documentation_url": "https://example.org/lfs", "request_id": "123"})
}

// batch says where to get contents, or where to put them.
func (s *Server) batch(w http.ResponseWriter, r *http.Request) {
	var req struct {
		Operation string
		Transfers []string
		Objects   []struct {
			OID  string
			Size int64
		}
		HashAlgo string `json:"hash_algo"`
	}
	const media = "application/vnd.git-lfs+json"
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil || r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Accept"), media) || !strings.HasPrefix(r.Header.Get("Content-Type"), media) {
		Refuse(w, http.StatusUnprocessableEntity, "not a request of the batch API")
		return
	}
	base := s.Storage
	if base == "" {
		base = "http://" + r.Host
	}
	objects := []map[string]any{}
	for _, o := range req.Objects {
		object := map[string]any{"oid": o.OID, "size": o.Size, "authenticated": true}
		action := map[string]any{"href": base + "/lfs-storage/" + o.OID}
		info, err := os.Stat(filepath.Join(s.Dir, o.OID))
		there := err == nil && info.Size() == o.Size
		switch {
		case req.Operation == "upload" && !there:
			object["actions"] = map[string]any{"upload": action}
		case req.Operation == "download" && !there:
			object["error"] = map[string]any{"code": 404, "message": "Object does not exist"}
		case req.Operation == "download":
			if s.Action != nil {
				s.Action(o.OID, action)
			}
			object["actions"] = map[string]any{"download": action}
		}
		if s.Object != nil {
			s.Object(o.OID, object)
		}
		objects = append(objects, object)
	}
	w.Header().Set("Content-Type", media)
	json.NewEncoder(w).Encode(map[string]any{"transfer": "basic", "objects": objects, "hash_algo": "sha256"})
}

// object serves the basic transfer.
func (s *Server) object(w http.ResponseWriter, r *http.Request, oid string) {
	name := filepath.Join(s.Dir, oid)
	if r.Method == http.MethodGet {
		http.ServeFile(w, r, name)
		return
	}
	f, err := os.CreateTemp(s.Dir, "up-")
	if err != nil {
		Refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	defer os.Remove(f.Name())
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(f, sum), r.Body); err != nil || fmt.Sprintf("%x", sum.Sum(nil)) != oid {
		Refuse(w, http.StatusUnprocessableEntity, "the content is not of that name")
		return
	}
	if err := os.Rename(f.Name(), name); err != nil {
		Refuse(w, http.StatusInternalServerError, err.Error())
	}
}
