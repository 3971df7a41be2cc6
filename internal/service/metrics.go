package service

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics count what was answered. No label holds a word of anyone who asks.
type metrics struct {
	registry *prometheus.Registry
	verdicts *prometheus.CounterVec
	refusals *prometheus.CounterVec
	seconds  prometheus.Histogram
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		verdicts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "git_launcher_verify_judgements_total", Help: "Judgements, by the command's exit code."}, []string{"exit_code"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "git_launcher_verify_refused_total", Help: "Requests that were not judged, by HTTP status."}, []string{"status"}),
		seconds:  prometheus.NewHistogram(prometheus.HistogramOpts{Name: "git_launcher_verify_seconds", Help: "From a request's header to its verdict.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 12)}),
	}
	m.registry.MustRegister(m.verdicts, m.refusals, m.seconds, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 2, Timeout: timeout})
}

func (m *metrics) judged(code int, took time.Duration) {
	m.verdicts.WithLabelValues(strconv.Itoa(code)).Inc()
	m.seconds.Observe(took.Seconds())
}

func (m *metrics) refused(status int) {
	m.refusals.WithLabelValues(strconv.Itoa(status)).Inc()
}
