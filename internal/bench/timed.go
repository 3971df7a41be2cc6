package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gitlauncher/internal/gittest"
)

// usage is what a run took.
type usage struct {
	seconds float64
	cpu     float64 // seconds of all its processes together, in user and kernel
	memory  int64   // bytes, of all its processes together at their worst moment
}

// median takes the middle time; memory comes from the first run, which is watched and
// whose time does not count.
func median(watched usage, u []usage) usage {
	seconds, cpu := make([]float64, len(u)), make([]float64, len(u))
	for i := range u {
		seconds[i], cpu[i] = u[i].seconds, u[i].cpu
		watched.memory = max(watched.memory, u[i].memory)
	}
	slices.Sort(seconds)
	slices.Sort(cpu)
	return usage{seconds[len(u)/2], cpu[len(u)/2], watched.memory}
}

// timed runs a bash script and returns what it took. A process starts with the peak
// memory of the one that started it, so a small process starts it: this program
// again, without repositories and canned answers in memory.
func timed(watch bool, dir, script string, args ...string) (usage, error) {
	self, err := os.Executable()
	if err != nil {
		return usage{}, err
	}
	cmd := exec.Command(self, append([]string{"-timed", "-watch=" + strconv.FormatBool(watch), "bash", "-ec", script, "bench"}, args...)...)
	cmd.Dir, cmd.Env = dir, gittest.Env()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return usage{}, errors.Join(err, errors.New(stderr.String()))
	}
	var u usage
	_, err = fmt.Sscan(string(out), &u.seconds, &u.cpu, &u.memory)
	return u, err
}

// timedHere is what the small process does.
func timedHere(watch bool, args []string) int {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	start := time.Now()
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	done, peak := make(chan struct{}), make(chan int64)
	go func() {
		var most int64
		for watch {
			most = max(most, resident(cmd.Process.Pid))
			select {
			case <-done:
				peak <- most
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
		<-done
		peak <- 0
	}()
	err := cmd.Wait()
	seconds := time.Since(start).Seconds()
	close(done)
	most := <-peak
	if err != nil {
		return 1
	}
	// Linux knows the peak of the largest of the process and the children that it
	// waited for. Watching knows the sum of all, but may miss a moment.
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	fmt.Println(seconds, cpu.Seconds(), max(most, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss<<10))
	return 0
}

// resident returns how much memory, in bytes, a process and all its descendants have
// now. Memory that processes share counts once for each, as in other tools.
func resident(pid int) int64 {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(dir, "statm"))
	if err != nil {
		return 0
	}
	var size, pages int64
	fmt.Sscan(string(stat), &size, &pages)
	sum := pages * int64(os.Getpagesize())
	tasks, _ := filepath.Glob(filepath.Join(dir, "task/*/children"))
	for _, task := range tasks {
		children, _ := os.ReadFile(task)
		for _, c := range strings.Fields(string(children)) {
			n, _ := strconv.Atoi(c)
			sum += resident(n)
		}
	}
	return sum
}
