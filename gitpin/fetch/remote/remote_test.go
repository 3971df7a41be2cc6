package remote

import (
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
				t.Fatal("bytes are no life")
			}
			p.Beat()
		}
		outer := p.Wait()
		done()
		done() // as often as one likes
		if after(59 * time.Second) {
			t.Fatal("a wait that ended takes the time of another")
		}
		if !after(2 * time.Second) {
			t.Fatal("silence does not end the attempt")
		}
		outer()
	})
}
