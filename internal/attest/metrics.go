package attest

import (
	"fmt"
	"io"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// counters count what was answered. No label holds a word of anyone who asks.
type counters struct {
	set     *metrics.Set
	seconds *metrics.PrometheusHistogram
}

func newCounters() *counters {
	set := metrics.NewSet()
	return &counters{set, set.NewPrometheusHistogramExt("git_launcher_attest_receipt_seconds", []float64{0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20})}
}

func (c *counters) made(took time.Duration) { c.seconds.Update(took.Seconds()) }

func (c *counters) refused(status int) {
	c.set.GetOrCreateCounter(fmt.Sprintf(`git_launcher_attest_refused_total{status="%d"}`, status)).Inc()
}

// write writes the counters, and those of the process, in Prometheus' text format.
func (c *counters) write(w io.Writer) {
	c.set.WritePrometheus(w)
	metrics.WriteProcessMetrics(w)
}
