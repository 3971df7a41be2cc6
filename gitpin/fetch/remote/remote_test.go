package remote

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// TestPulse: silence ends an attempt, and only silence.
func TestPulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopped := false
		p := NewPulse(time.Minute, func() { stopped = true })
		after := func(d time.Duration) bool {
			time.Sleep(d) // of the bubble's clock
			synctest.Wait()
			return stopped
		}
		if after(time.Hour) {
			t.Fatal("time in which nobody waits counts")
		}
		done := p.Wait()
		for range 10 {
			if after(40 * time.Second) {
				t.Fatal("bytes do not count as a sign of life")
			}
			p.Beat()
		}
		outer := p.Wait()
		done()
		done() // a second call changes nothing
		if after(59 * time.Second) {
			t.Fatal("a wait that ended shortens another")
		}
		if !after(2 * time.Second) {
			t.Fatal("silence does not end the attempt")
		}
		outer()
	})
}

// TestPulseOfSilence: a wait also ends if not a single byte arrives.
func TestPulseOfSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopped := false
		p := NewPulse(time.Minute, func() { stopped = true })
		defer p.Wait()()
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if stopped {
			t.Fatal("it ends too early")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !stopped {
			t.Error("it does not end")
		}
	})
}

// TestCounted: every single byte of an SSH connection is a sign of life.
func TestCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopped := false
		p := NewPulse(time.Minute, func() { stopped = true })
		defer p.Wait()()
		here, there := net.Pipe()
		defer here.Close()
		defer there.Close()
		c := &counted{here, p}
		for range 3 {
			time.Sleep(40 * time.Second)
			go there.Write([]byte{1})
			if n, err := c.Read(make([]byte, 8)); n != 1 || err != nil {
				t.Fatalf("%d bytes, %v", n, err)
			}
		}
		synctest.Wait()
		if stopped {
			t.Error("bytes do not count as a sign of life")
		}
		there.Close()
		if _, err := c.Read(make([]byte, 8)); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
	})
}
