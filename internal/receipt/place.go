package receipt

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"gitlauncher/internal/atomicfile"
	"gitlauncher/internal/digest"
	"gitlauncher/measure"
)

// Place is where a launch leaves its receipt.
type Place struct {
	File     string
	InLog    bool // put the whole receipt in the log, too
	Required bool // a launch without a receipt fails
	Log      *slog.Logger
}

// Launch is the launch that a receipt is for.
type Launch struct {
	Binding measure.Binding
	Record  []byte
	Tree    string // the folder of the proven checkout, or empty
}

// Leave writes the receipt for anyone who asks what runs here. If that fails, it warns,
// or returns an [*Error] if the receipt is required.
func (p Place) Leave(ctx context.Context, agent Agent, of Launch) error {
	err := p.leave(ctx, agent, of)
	if err == nil {
		return nil
	}
	err = &Error{err}
	if p.Required {
		return err
	}
	p.Log.Warn("NO LAUNCH RECEIPT: the launch is measured, but there is no file to prove it with; `git-launcher receipt` can make one later", "error", err.Error())
	return nil
}

func (p Place) leave(ctx context.Context, agent Agent, of Launch) error {
	if of.Tree != "" { // a receipt there would change what runs
		if inside, err := liesIn(p.File, of.Tree); err != nil || inside {
			return errors.Join(errors.New("it must not lie in WORK_DIR"), err)
		}
	}
	r, err := agent.Receipt(ctx, of.Binding, of.Record, measure.Asked{})
	if err != nil {
		return err
	}
	data, err := r.Marshal()
	if err != nil {
		return err
	}
	if p.InLog {
		p.Log.Info("launch receipt in full", "receipt", string(data[:len(data)-1]))
	}
	if err := write(p.File, data); err != nil {
		return err
	}
	p.Log.Info("launch receipt written", "binding", string(of.Binding), "file", p.File, "sha256", digest.Of(data).Hex())
	return nil
}

// liesIn reports whether a file lies, or would lie, below a directory, whatever
// symbolic links lead there.
func liesIn(file, dir string) (bool, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false, err
	}
	at, err := filepath.Abs(file)
	if err != nil {
		return false, err
	}
	for at = filepath.Dir(at); ; at = filepath.Dir(at) { // up to what exists
		real, err := filepath.EvalSymlinks(at)
		if err == nil {
			return real == dir || strings.HasPrefix(real, dir+"/"), nil
		}
		if !errors.Is(err, fs.ErrNotExist) || at == "/" {
			return false, err
		}
	}
}

// write writes a file that others can read, and creates its folder if need be.
func write(name string, data []byte) error {
	name = filepath.Clean(name) // as liesIn reads it: for the kernel, a .. after a link leads out of the link's target
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(name, data, 0o644)
}
