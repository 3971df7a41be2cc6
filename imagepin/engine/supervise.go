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

// How often a workload that fails is started again: 1 s after the first failure,
// twice as long after each further one, a minute at most. One that ran for ten
// minutes has a clean slate.
const (
	restartFirst = time.Second
	restartMost  = time.Minute
	cleanSlate   = 10 * time.Minute
)

// logDrain is how long the last of a workload's output may take to arrive.
const logDrain = 5 * time.Second

// Supervision is what keeping a container running needs.
type Supervision struct {
	Wanted         *container.Wanted
	Signals        <-chan os.Signal // relayed to the workload
	Stdout, Stderr io.Writer        // where its output goes
	BeforeStart    func() error     // what the workload reads is written anew here, before each start
	Started        func()           // told after the first start
	Running        func(bool)       // told after each start, and when the workload failed
	Sleep          registry.Sleep
}

// startTries is how often a container whose network is pruned before it starts is
// made again.
const startTries = 3

// Start compares a stopped container once more with what was measured, and starts it. A
// prune removes networks whose containers are stopped. Then Start makes the network
// again, and also the container if it is attached to the old one; the new container has
// the same measured description.
func (e *Engine) Start(ctx context.Context, f *container.Found, w *container.Wanted) (*container.Found, error) {
	for try := 1; ; try++ {
		now, err := e.unchanged(ctx, f, w)
		if err != nil {
			return nil, err
		}
		if now.ID == f.ID && (now.Running || now.LastStart() != f.LastStart()) {
			// Set aside, so that the next launch makes another one.
			err := e.setAside(ctx, now, w.Name)
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

// Supervise starts the container unless it runs, and relays its output and the
// launcher's signals. When the workload fails, Supervise makes the container anew,
// compares it once more with what was measured, and starts it. It returns the workload's
// exit code once the workload ends well, or ends after a signal that asked it to.
func (e *Engine) Supervise(ctx context.Context, f *container.Found, s Supervision) (code int, err error) {
	wait := backoff.ExponentialBackOff{InitialInterval: restartFirst, Multiplier: 2, MaxInterval: restartMost}
	wait.Reset()
	for lost, first := 0, true; ; first = false {
		began := time.Now()
		ran, code, ending, err := e.once(ctx, f, s)
		s.Started = func() {}
		if err != nil && !first && lost < startTries && (is(err, Absent) || is(err, Died)) {
			// An Engine that restarts stops the workload before it goes away itself, and
			// then the start falls into its end.
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

// pause waits, unless a signal ends the launcher.
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

// again looks at the container before it is started once more, and makes it anew where
// its run failed. An Engine that is away, as in a restart, gets one call's deadline to
// come back.
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
	if why := e.ways.Differs(now, w, networkID); why == "network" {
		now, _, err = e.Prepare(ctx, w) // a prune took it; see Start
		return now, err
	} else if why != "" && why != container.FailedRun {
		return nil, &SettingsError{w.Name, "somebody changed it: " + why}
	}
	return now, nil
}

// once runs the container until it stops. It returns the container, which may be
// another one after a prune.
func (e *Engine) once(ctx context.Context, f *container.Found, s Supervision) (ran *container.Found, code int, ending bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The launcher and the Engine share a clock. The Engine's own time of the start
	// is no use: it is taken after the first output.
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

// signal passes a signal on to the workload.
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
		e.log.Warn("the signal did not get through", "error", err.Error())
	}
}

// relay copies what the workload writes.
func (e *Engine) relay(ctx context.Context, f *container.Found, since time.Time, s Supervision) {
	stream, err := e.api.ContainerLogs(ctx, f.ID, client.ContainerLogsOptions{
		ShowStdout: true, ShowStderr: true, Follow: true, Since: fmt.Sprintf("%d.%09d", since.Unix(), since.Nanosecond()),
	})
	if err == nil {
		defer stream.Close()
		_, err = stdcopy.StdCopy(s.Stdout, s.Stderr, stream)
	}
	if err != nil && ctx.Err() == nil {
		e.log.Warn("the workload's output is not relayed any more; docker logs has it", "error", printable.Line(err.Error()))
	}
}

type exit struct {
	code int
	err  error
}

// wait waits for the container to stop. An Engine that goes away gets one call's
// deadline to come back: it may be restarting, which stops the container.
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
