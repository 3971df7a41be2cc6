package deployment

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gitlauncher/gitpin/object"
	"gitlauncher/internal/atomicfile"
	"gitlauncher/internal/regularfile"
)

// HistoryFile holds what was pinned in a folder, newest last.
const HistoryFile = "pins.log"

const historyHead = "# What git-launcher-dev pinned here, newest last: time and commit. pin --rollback goes back by one.\n"

const maxHistory = 1 << 20 // bytes

// ErrNoHistory says that a folder has no earlier pin to go back to.
var ErrNoHistory = errors.New("nothing was pinned here before")

// History returns the commits that were pinned in a folder, oldest first.
func History(dir string) (commits []string, err error) {
	name := filepath.Join(dir, HistoryFile)
	data, err := regularfile.Read(name, maxHistory)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	lines, ours := strings.CutPrefix(string(data), historyHead)
	if !ours {
		return nil, fmt.Errorf("%s was not written by git-launcher-dev, and stays as it is: move it away", name)
	}
	for line := range strings.Lines(lines) {
		_, commit, _ := strings.Cut(strings.TrimSpace(line), " ")
		if _, err := object.ParseID(commit); err != nil {
			return nil, fmt.Errorf("%s: %.100q names no commit", name, line)
		}
		commits = append(commits, commit)
	}
	return commits, nil
}

// Remember writes the commits into a folder's history, the last of them pinned now.
func Remember(dir string, commits []string, now time.Time) error {
	name := filepath.Join(dir, HistoryFile)
	have, err := History(dir)
	if err != nil {
		return err
	}
	text := historyHead
	if data, err := os.ReadFile(name); err == nil {
		text = string(data)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(strings.TrimPrefix(text, historyHead), "\n"), "\n")
	same := 0
	for same < min(len(have), len(commits)) && have[same] == commits[same] {
		same++
	}
	text = historyHead
	for _, line := range lines[:same] {
		text += strings.TrimSuffix(line, "\n") + "\n"
	}
	for _, commit := range commits[same:] {
		text += now.UTC().Format(time.RFC3339) + " " + commit + "\n"
	}
	return atomicfile.Write(name, []byte(text), 0o644)
}

// Before returns the history up to the pin that came before the folder's present one.
func Before(commits []string, now string) ([]string, error) {
	if n := len(commits); n > 0 && commits[n-1] == now {
		commits = commits[:n-1]
	}
	if len(commits) == 0 {
		return nil, ErrNoHistory
	}
	return commits, nil
}
