package deployment

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gitlauncher/config"
	"gitlauncher/internal/atomicfile"
	"gitlauncher/internal/author"
	"gitlauncher/internal/composeenv"
	"gitlauncher/internal/digest"
	"gitlauncher/internal/regularfile"
	"gitlauncher/internal/strictyaml"
	"gitlauncher/measure"
	"gitlauncher/policy"
)

// The files of a folder.
const (
	ConfigFile  = "config.conf"
	ComposeFile = "docker-compose.yaml"
	PolicyFile  = "policy.conf"
)

// Folder is what a deployment's folder holds.
type Folder struct {
	Dir                     string
	Config, Compose, Policy []byte

	Git *config.Git // what the config says
}

// Read reads the three files, which must be there and fit together.
func Read(dir string) (*Folder, error) {
	f := &Folder{Dir: dir}
	for _, file := range f.files() {
		data, err := regularfile.Read(filepath.Join(dir, file.name), strictyaml.MaxSize)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, file.name), err)
		}
		*file.data = data
	}
	return f, f.check()
}

type file struct {
	name string
	data *[]byte
}

func (f *Folder) files() []file {
	return []file{{ConfigFile, &f.Config}, {ComposeFile, &f.Compose}, {PolicyFile, &f.Policy}}
}

// check reads the config, and requires that the compose file deploys it.
func (f *Folder) check() (err error) {
	if f.Git, err = config.ParseGit(ConfigFile, f.Config); err != nil {
		return err
	}
	configs, err := composeenv.Values(f.Compose, config.ConfigVariable)
	if err != nil {
		return fmt.Errorf("%s: %w", ComposeFile, err)
	}
	if len(configs) == 0 {
		return fmt.Errorf("%s has no service with a literal %s", ComposeFile, config.ConfigVariable)
	}
	for name, text := range configs {
		if text != string(f.Config) {
			return fmt.Errorf("service %s of %s has another config than %s: make the two the same, byte for byte", name, ComposeFile, ConfigFile)
		}
	}
	return nil
}

// Pinned is a proven commit, as its launch record has it.
type Pinned struct{ Commit, Tree, Content, Entrypoint string }

// Of returns the pin of a launch record.
func Of(record []byte) (Pinned, error) {
	r, err := measure.ParseGitRecord(record)
	if err != nil {
		return Pinned{}, err
	}
	return Pinned{r.Commit, r.Tree, r.ContentSHA256, r.EntrypointSHA256}, nil
}

// Unpinned returns the folder's config with another commit, and without the hashes of
// what the commit holds. The caller proves it before [Folder.Pin].
func (f *Folder) Unpinned(commit string) (*config.Git, error) {
	lines := slices.DeleteFunc(strings.SplitAfter(string(f.Config), "\n"), func(line string) bool {
		return isLine(line, "CONTENT_SHA256") || isLine(line, "ENTRYPOINT_SHA256")
	})
	text, n := replaceLines([]byte(strings.Join(lines, "")), "COMMIT_SHA", f.Git.Commit.String(), commit)
	if n != 1 {
		return nil, &UnlikeError{ConfigFile, "COMMIT_SHA", f.Git.Commit.String()}
	}
	return config.ParseGit(ConfigFile, text)
}

// Pin returns the folder with another commit pinned.
func (f *Folder) Pin(to Pinned) (*Folder, error) {
	next := &Folder{Dir: f.Dir, Config: slices.Clone(f.Config), Compose: f.Compose, Policy: f.Policy}
	own := []struct{ key, old, new string }{{"COMMIT_SHA", f.Git.Commit.String(), to.Commit}}
	if !f.Git.ContentSHA256.IsZero() {
		own = append(own, struct{ key, old, new string }{"CONTENT_SHA256", f.Git.ContentSHA256.Hex(), to.Content})
	}
	if !f.Git.EntrypointSHA256.IsZero() {
		own = append(own, struct{ key, old, new string }{"ENTRYPOINT_SHA256", f.Git.EntrypointSHA256.Hex(), to.Entrypoint})
	}
	for _, o := range own {
		var n int
		if next.Config, n = replaceLines(next.Config, o.key, o.old, o.new); n != 1 {
			return nil, &UnlikeError{ConfigFile, o.key, o.old}
		}
		var err error
		if next.Compose, err = inConfigs(next.Compose, o.key+"=", o.old, o.new); err != nil {
			return nil, err
		}
	}
	if err := next.check(); err != nil {
		return nil, fmt.Errorf("changing the pin's lines alone does not work here: %w", err)
	}
	if err := next.samePolicy(f, to); err != nil {
		return nil, err
	}
	return next, nil
}

// samePolicy changes the policy from the old pin to the new one.
func (next *Folder) samePolicy(old *Folder, to Pinned) error {
	was, err := policy.Parse(PolicyFile, old.Policy)
	if err != nil {
		return err
	}
	for _, own := range []struct {
		expected policy.Expectation
		old, new string // old is empty if a person may have left another value there
	}{
		{&was.CommitSHA, old.Git.Commit.String(), to.Commit},
		{&was.ConfigSHA256, sum(old.Config), sum(next.Config)},
		{&was.Tree, "", to.Tree},
		{&was.ContentSHA256, old.Git.ContentSHA256.Hex(), to.Content},
		{&was.EntrypointSHA256, old.Git.EntrypointSHA256.Hex(), to.Entrypoint},
		{&was.DockerComposeSHA256, "", sum(next.Compose)}, // the file may have been edited since
	} {
		if !own.expected.Given() {
			continue
		}
		key, values := was.NameOf(own.expected), own.expected.Texts()
		from := own.old
		if from == "" && len(values) == 1 {
			from = values[0]
		}
		var n int
		if next.Policy, n = replaceLines(next.Policy, key, from, own.new); n != 1 {
			return &UnlikeError{PolicyFile, key, from}
		}
	}
	_, err = policy.Parse(PolicyFile, next.Policy)
	return err
}

func sum(data []byte) string { return digest.Of(data).Hex() }

// UnlikeError says that a file has no such line with the value that is to be changed,
// or several.
type UnlikeError struct{ File, Key, Value string }

func (e *UnlikeError) Error() string {
	return fmt.Sprintf("%s has no one line %s=%s", e.File, e.Key, e.Value)
}

// Write replaces the files that have changed.
func (f *Folder) Write() error {
	for _, file := range f.files() {
		name := filepath.Join(f.Dir, file.name)
		info, err := os.Lstat(name)
		if err != nil {
			return err
		}
		have, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if string(have) == string(*file.data) {
			continue
		}
		if err := atomicfile.Write(name, *file.data, info.Mode().Perm()); err != nil {
			return err
		}
	}
	return nil
}

// ErrThere says that a file has another content than the one to be written.
var ErrThere = errors.New("is there already, with something else in it")

// Fresh refuses a folder in which a file would be replaced. A file that already has the
// same bytes does not count.
func Fresh(dir string, texts []author.Text) error {
	for _, t := range texts {
		at := filepath.Join(dir, t.File)
		data, err := os.ReadFile(at)
		switch {
		case errors.Is(err, os.ErrNotExist):
		case err != nil:
			return err
		case string(data) != t.Text:
			return fmt.Errorf("%s %w", at, ErrThere)
		}
	}
	return nil
}
