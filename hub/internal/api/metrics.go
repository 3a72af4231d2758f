package api

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/loa-vn/loa/hub/internal/push"
)

// Metrics is the hub's own registry. No metric has a label per agent, person or path as it was sent, so that
// their number stays the same whatever the fleet's size and whatever is asked.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec

	Push     push.Metrics
	Heads    prometheus.Counter // plan heads sealed
	Orders   prometheus.Counter // sent, to each agent
	Ingested *prometheus.CounterVec
}

// NewMetrics makes the registry and its counters.
func NewMetrics() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: "loa", Name: name, Help: help})
		m.registry.MustRegister(c)
		return c
	}
	m.requests = prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "loa", Name: "http_requests_total",
		Help: "Requests by route and status."}, []string{"route", "code"})
	m.Ingested = prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "loa", Name: "ingest_jobs_total",
		Help: "Uploads processed, by result."}, []string{"result"})
	for _, result := range []string{"done", "failed"} { // both are there from the beginning
		m.Ingested.WithLabelValues(result)
	}
	m.registry.MustRegister(m.requests, m.Ingested, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.Heads = counter("plan_heads_sealed_total", "Plan heads sealed.")
	m.Orders = counter("orders_sent_total", "Urgent orders and commands sent to agents connected to this hub.")
	m.Push = push.Metrics{
		Refused:  counter("link_refused_total", "Agents' handshakes refused."),
		Messages: counter("link_messages_total", "Control messages received from agents."),
		Unknown:  counter("link_messages_unknown_total", "Control messages of a type this version does not know."),
		Frames:   counter("link_frames_total", "Chunks of audio and plan parts sent."),
		Bytes:    counter("link_bytes_total", "Bytes of audio and plan parts sent."),
		Plays:    counter("plays_received_total", "Play records received."),
		Slow:     counter("link_slow_total", "Connections closed because the agent did not read."),
	}
	return m
}

// Gauge adds a number that is read when somebody asks.
func (m *Metrics) Gauge(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "loa", Name: name, Help: help}, read))
}

func (m *Metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// request counts one by its route's pattern: what was asked for may be anything, patterns are few.
func (m *Metrics) request(r *http.Request, status int) {
	_, route, found := strings.Cut(r.Pattern, " ")
	if !found {
		route = r.Pattern
	}
	if route == "" {
		route = "none"
	}
	if status == 0 {
		status = http.StatusOK
	}
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
}
