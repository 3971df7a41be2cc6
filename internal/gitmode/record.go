package gitmode

import (
	"encoding/hex"
	"fmt"
	"path"

	"gitlauncher/config"
	"gitlauncher/gitpin"
	"gitlauncher/internal/digest"
	"gitlauncher/internal/version"
	"gitlauncher/measure"
)

// record checks that the pinned tree has what the config wants to run, and returns the
// launch record.
func (l *Launch) record(cfg *config.Git, configSum string, c *gitpin.Checkout) ([]byte, error) {
	if submodules, lfs := c.NotFetched(); submodules+lfs > 0 {
		l.Log.Warn("submodules and Git LFS contents are not fetched; their places are empty directories and pointer files (SUBMODULES=recursive and LFS=fetch fetch them)", "submodules", submodules, "lfs", lfs)
	}
	r := measure.GitRecord{
		Launcher: version.String(), ConfigSHA256: configSum,
		RepoURL: cfg.Repo.String(), Commit: cfg.Commit.String(), Tree: c.Tree.String(),
		ContentSHA256: c.ContentSHA256(), LFSSHA256: c.LFSSHA256(), Subdir: cfg.Subdir.String(),
	}
	for _, s := range c.Submodules {
		r.Submodules = append(r.Submodules, measure.Submodule{Commit: s.Commit.String(), Path: s.Path})
	}
	if err := holds("CONTENT_SHA256", cfg.ContentSHA256, r.ContentSHA256); err != nil {
		return nil, err
	}
	if cfg.Advanced != nil {
		r.Advanced, r.RunCmd, r.InstallCmd = true, cfg.Advanced.RunCmd, cfg.Advanced.InstallCmd
		if err := c.Directory(cfg.Subdir.Clean()); err != nil {
			return nil, err
		}
		return r.Marshal()
	}
	script, err := c.Script(path.Join(cfg.Subdir.Clean(), cfg.Script.Clean()))
	if err != nil {
		return nil, err
	}
	r.Entrypoint, r.EntrypointSHA256 = cfg.Script.String(), hex.EncodeToString(script.SHA256[:])
	if err := holds("ENTRYPOINT_SHA256", cfg.EntrypointSHA256, r.EntrypointSHA256); err != nil {
		return nil, err
	}
	return r.Marshal()
}

// ContentError says that a commit's bytes do not have the hash that the config has
// beside its id.
type ContentError struct{ Key, Want, Got string }

func (e *ContentError) Error() string {
	return fmt.Sprintf("the config has %s=%s, and the commit has %s", e.Key, e.Want, e.Got)
}

// holds compares a hash with the one that the config requires, if it requires one.
func holds(key string, want digest.SHA256, got string) error {
	if !want.IsZero() && want.Hex() != got {
		return &ContentError{key, want.Hex(), got}
	}
	return nil
}
