package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/moby/moby/api/pkg/stdcopy"
	dockercontainer "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"gitlauncher/imagepin/engine/container"
	"gitlauncher/imagepin/registry"
	"gitlauncher/internal/printable"
)

// When a workload that failed is started again: 1 s after the first failure, then after
// twice as long each time, a minute at most. A run of more than ten minutes begins again
// with 1 s.
const (
	restartFirst = time.Second
	restartMost  = time.Minute
	cleanSlate   = 10 * time.Minute
)

// logDrain is how long the end of a workload's output may take to arrive.
const logDrain = 5 * time.Second

// Supervision is what [Engine.Supervise] needs besides the container.
type Supervision struct {
	Wanted         *container.Wanted
	Signals        <-chan os.Signal // relayed to the workload
	Stdout, Stderr io.Writer        // where the workload's output goes
	BeforeStart    func() error     // called before each start, to write again what the workload reads
	Started        func()           // called after the first start
	Running        func(bool)       // called with true after each start, and with false after a failure
	Sleep          registry.Sleep
}

// startTries is how often a container is started whose network is pruned just before.
const startTries = 3

// Start compares a stopped container once more with what was measured, and starts it. A
// prune removes networks whose containers are all stopped. Then Start makes the network
// again, and also the container if it belongs to the old network. The new container has
// the same measured description.
func (e *Engine) Start(ctx context.Context, f *container.Found, w *container.Wanted) (*container.Found, error) {
	for try := 1; ; try++ {
		now, err := e.unchanged(ctx, f, w)
		if err != nil {
			return nil, err
		}
		if now.ID == f.ID && (now.Running || now.LastStart() != f.LastStart()) {
			err := e.setAside(ctx, now, w.Name) // so that the next launch makes a new one
			return nil, errors.Join(&SettingsError{w.Name, "somebody started it before it was measured"}, err)
		}
		f = now
		_, err = call(ctx, e, "starting the container", func(ctx context.Context) (client.ContainerStartResult, error) {
			return e.api.ContainerStart(ctx, f.ID, client.ContainerStartOptions{})
		})
		if !is(err, NoNetwork) || try == startTries {
			return f, err
		}
		e.log.Warn("the container's network is gone; making it again")
	}
}

// Supervise starts the container unless it runs, and relays its output and the launcher's
// signals. When the workload fails, Supervise makes the container anew, compares it once
// more with what was measured, and starts it. It returns the workload's exit code when the
// workload ends with 0, or after a signal that asked it to end.
func (e *Engine) Supervise(ctx context.Context, f *container.Found, s Supervision) (code int, err error) {
	wait := backoff.ExponentialBackOff{InitialInterval: restartFirst, Multiplier: 2, MaxInterval: restartMost}
	wait.Reset()
	for lost, first := 0, true; ; first = false {
		began := time.Now()
		ran, code, ending, err := e.once(ctx, f, s)
		s.Started = func() {}
		if err != nil && !first && lost < startTries && (is(err, Absent) || is(err, Died)) {
			// An Engine that restarts first stops the workload. The new start then meets an
			// Engine that is about to end.
			lost++
			s.Running(false)
			e.log.Warn("lost the Docker Engine; looking again", "error", err.Error())
			if ending, err := s.pause(ctx, restartFirst); ending || err != nil {
				return code, err
			}
			if f, err = e.again(ctx, f, s); err != nil {
				return 0, err
			}
			continue
		}
		if err != nil {
			return 0, err
		}
		f, lost = ran, 0
		if code == 0 || ending {
			e.log.Info("the workload ended", "code", code)
			return code, nil
		}
		if time.Since(began) > cleanSlate {
			wait.Reset()
		}
		pause := min(wait.NextBackOff(), restartMost)
		s.Running(false)
		e.log.Warn("the workload failed; starting it again", "code", code, "in", pause)
		if ending, err := s.pause(ctx, pause); ending || err != nil {
			return code, err
		}
		if f, err = e.again(ctx, f, s); err != nil {
			return 0, err
		}
	}
}

// pause waits. ending is true if a signal that ends the launcher came first.
func (s Supervision) pause(ctx context.Context, d time.Duration) (ending bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	slept := make(chan error, 1)
	go func() { slept <- s.Sleep(ctx, d) }()
	for {
		select {
		case err := <-slept:
			return false, err
		case sig := <-s.Signals:
			if ends(sig) {
				return true, nil
			}
		}
	}
}

func ends(s os.Signal) bool {
	return s == syscall.SIGTERM || s == syscall.SIGINT || s == syscall.SIGQUIT
}

// again compares the container before another start, and makes it anew where its run
// failed. An Engine that restarts may be away for the time of one call.
func (e *Engine) again(ctx context.Context, f *container.Found, s Supervision) (*container.Found, error) {
	for end := time.Now().Add(e.timeout); ; {
		now, err := e.unchanged(ctx, f, s.Wanted)
		if err == nil && !now.Running {
			now, _, err = e.Prepare(ctx, s.Wanted)
		}
		if !is(err, Absent) && !is(err, Died) || time.Now().After(end) {
			return now, err
		}
		if err := s.Sleep(ctx, 200*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// unchanged requires that nobody has changed the container, and returns it as it is now. It
// is another one if a prune has removed the network.
func (e *Engine) unchanged(ctx context.Context, f *container.Found, w *container.Wanted) (*container.Found, error) {
	networkID, err := e.network(ctx, w.Profile)
	if err != nil {
		return nil, err
	}
	now, err := e.Find(ctx, f.ID)
	if err != nil {
		return nil, err
	}
	if now == nil {
		return nil, &Error{"starting the container again", NoContainer, "somebody removed it"}
	}
	if why := e.traits.Differs(now, w, networkID); why == "network" {
		now, _, err = e.Prepare(ctx, w)
		return now, err
	} else if why != "" && why != container.FailedRun {
		return nil, &SettingsError{w.Name, "somebody changed it: " + why}
	}
	return now, nil
}

// once runs the container until it stops. It returns the container that ran, which may be
// another one after a prune, its exit code, and whether a signal asked it to end.
func (e *Engine) once(ctx context.Context, f *container.Found, s Supervision) (ran *container.Found, code int, ending bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The launcher and the Engine share a clock. The Engine's own time of the start is of no
	// use, because it may be later than the first output.
	since := time.Now()
	if !f.Running {
		if err := s.BeforeStart(); err != nil {
			return nil, 0, false, err
		}
		if f, err = e.Start(ctx, f, s.Wanted); err != nil {
			return nil, 0, false, err
		}
	}
	s.Started()
	s.Running(true)
	relayed := make(chan struct{})
	go func() {
		defer close(relayed)
		e.relay(ctx, f, since, s)
	}()
	stopped := make(chan exit, 1)
	go func() { stopped <- e.wait(ctx, f, s.Sleep) }()
	for {
		select {
		case sig := <-s.Signals:
			ending = ending || ends(sig)
			e.signal(ctx, f, sig)
		case x := <-stopped:
			select {
			case <-relayed:
			case <-time.After(logDrain):
				e.log.Warn("the end of the workload's output is missing here; docker logs has it")
			}
			return f, x.code, ending, x.err
		}
	}
}

// signal relays a signal to the workload.
func (e *Engine) signal(ctx context.Context, f *container.Found, sig os.Signal) {
	number, ok := sig.(syscall.Signal)
	if !ok {
		return
	}
	e.log.Info("passing a signal on to the workload", "signal", sig.String())
	_, err := call(ctx, e, "signalling the container", func(ctx context.Context) (client.ContainerKillResult, error) {
		return e.api.ContainerKill(ctx, f.ID, client.ContainerKillOptions{Signal: fmt.Sprint(int(number))})
	})
	if err != nil {
		e.log.Warn("can't relay the signal", "error", err.Error())
	}
}

// relay copies the workload's output until it ends.
func (e *Engine) relay(ctx context.Context, f *container.Found, since time.Time, s Supervision) {
	stream, err := e.api.ContainerLogs(ctx, f.ID, client.ContainerLogsOptions{
		ShowStdout: true, ShowStderr: true, Follow: true, Since: fmt.Sprintf("%d.%09d", since.Unix(), since.Nanosecond()),
	})
	if err == nil {
		defer stream.Close()
		_, err = stdcopy.StdCopy(s.Stdout, s.Stderr, stream)
	}
	if err != nil && ctx.Err() == nil {
		e.log.Warn("the workload's output is no longer relayed; docker logs has it", "error", printable.Line(err.Error()))
	}
}

type exit struct {
	code int
	err  error
}

// wait waits for the container to stop. An Engine that restarts, which stops the container,
// may be away for the time of one call.
func (e *Engine) wait(ctx context.Context, f *container.Found, sleep registry.Sleep) exit {
	r := e.api.ContainerWait(ctx, f.ID, client.ContainerWaitOptions{Condition: dockercontainer.WaitConditionNotRunning})
	select {
	case x := <-r.Result:
		return exit{code: int(x.StatusCode)}
	case err := <-r.Error:
		if ctx.Err() != nil {
			return exit{err: context.Cause(ctx)}
		}
		e.log.Warn("lost sight of the container; looking again", "error", printable.Line(err.Error()))
	}
	for end := time.Now().Add(e.timeout); ; {
		now, err := e.Find(ctx, f.ID)
		switch {
		case err == nil && now == nil:
			return exit{err: &Error{"waiting for the container", NoContainer, "somebody removed it"}}
		case err == nil && now.Running:
			return e.wait(ctx, f, sleep)
		case err == nil:
			return exit{code: now.Inspect.State.ExitCode}
		case time.Now().After(end):
			return exit{err: err}
		}
		if err := sleep(ctx, 200*time.Millisecond); err != nil {
			return exit{err: errors.Join(err, context.Cause(ctx))}
		}
	}
}
