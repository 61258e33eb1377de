package scanner

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
)

// host is one address under scan. Everything in it is touched by its worker
// only: the transport's goroutines put events into its mailbox.
type host struct {
	*scan
	target targets.Target
	box    mailbox
	ports  map[uint16]*port
	seen   []record.Observation
	awake  bool // it holds a worker, since a port is open

	// Of these the transport's goroutines know too.
	answered atomic.Bool // a port is open or refuses
	granted  atomic.Bool // one port was given the whole timeout
}

// port is what the engine knows of one endpoint.
type port struct {
	state   state
	held    []*task // wait for the first connection
	tcpSeen bool    // the "tcp" observation is made
}

// state is whether a port accepts connections.
type state uint8

const (
	unknown state = iota
	trying        // the first connection is under way
	alive
	dead // never connect again
)

func newHost(s *scan, t targets.Target) *host {
	return &host{scan: s, target: t, box: mailbox{signal: make(chan struct{}, 1)}, ports: map[uint16]*port{}}
}

// run asks wave after wave.
func (h *host) run() {
	defer h.rest()
	for range maxWaves {
		if h.ctx.Err() != nil {
			return
		}
		tasks := h.start(h.Next(h.target, h.seen))
		if len(tasks) == 0 {
			return
		}
		h.wave(tasks)
	}
	h.Log.Error("a host is asked without end", "host", h.target.Host, "waves", maxWaves)
}

// wake takes a worker for the rest of the host's scan. While all are busy the
// answers of the connections under way wait in the mailbox.
func (h *host) wake() {
	if h.awake {
		return
	}
	select {
	case h.busy <- struct{}{}:
		h.awake = true
	case <-h.ctx.Done():
	}
}

func (h *host) rest() {
	if h.awake {
		<-h.busy
	}
}

// patient says, of a port that is silent longer than usual, whether it is to
// have the whole timeout: one port of each host that is there has it, for hosts
// that are slow. It is called by the transport.
func (h *host) patient() bool { return h.answered.Load() && h.granted.CompareAndSwap(false, true) }

// start begins the runs of a wave. Ports that never answered are not asked.
func (h *host) start(asks []Ask) []*task {
	var tasks []*task
	for _, ask := range asks {
		p := h.ports[ask.Port]
		if p == nil {
			p = &port{}
			h.ports[ask.Port] = p
		}
		if p.state == dead {
			continue
		}
		t := &task{host: h, ask: ask, port: p, willing: true}
		t.guarded("Start", func() {
			t.run = ask.Probe.Start(record.Endpoint{Host: h.target.Host, Port: ask.Port}, known(h.seen, ask.Port))
		})
		tasks = append(tasks, t)
	}
	return tasks
}

// known merges what the earlier observations of a port brought. What a port
// said to plain HTTP before it turned out to speak TLS is no answer of the
// site behind TLS, and must not keep a probe from asking it.
func known(seen []record.Observation, port uint16) record.Answer {
	var a record.Answer
	for _, o := range seen {
		if o.Port == port {
			a.Merge(o.Answer)
		}
	}
	if !shookHands(a) || a.HTTP == nil || a.HTTP.TLS {
		return a
	}
	a.HTTP = nil
	for _, o := range seen {
		if o.Port == port && o.HTTP != nil && o.HTTP.TLS {
			a.Merge(record.Answer{HTTP: o.HTTP})
		}
	}
	return a
}

// wave drives the tasks to their ends and emits their observations in order,
// each as soon as those before it are emitted.
func (h *host) wave(tasks []*task) {
	for _, t := range tasks {
		t.pump()
	}
	emitted := 0
	for {
		for emitted < len(tasks) && tasks[emitted].ended() {
			h.report(tasks[emitted])
			emitted++
		}
		if emitted == len(tasks) {
			return
		}
		for _, e := range h.box.take() {
			h.handle(e)
		}
	}
}

func (h *host) handle(e event) {
	p := e.task.port
	if e.exchange == nil {
		p.state = alive // opened
		h.wake()
	} else if e.call.first && !e.call.opened {
		p.state = dead
		if e.call.why == record.Reset {
			p.state = unknown // it answered, see transport on systems other than Linux
		}
	}
	if e.exchange != nil {
		e.task.over(e.call, e.exchange)
		e.task.pump()
	}
	if p.state == trying {
		return
	}
	held := p.held
	p.held = nil
	for _, t := range held {
		t.pump()
	}
}

// report turns an ended task into observations.
func (h *host) report(t *task) {
	if t.connected != nil && !t.port.tcpSeen {
		t.port.tcpSeen = true
		o := h.observation(t.ask.Port, "tcp", t.connected.At, t.connected.At.Add(t.connected.Took))
		o.Status, o.TCP = record.OK, t.connected.TCP
		h.tell(o)
	}
	if t.dropped() {
		return
	}
	o := h.observation(t.ask.Port, t.ask.Probe.Name(), t.begun, t.finished)
	o.Connections = t.attempted
	o.Status = t.fold(&o.Answer)
	if t.started == 0 && !t.faulty {
		// There was nothing to ask: worth no line, but Next must know.
		h.seen = append(h.seen, o)
		return
	}
	h.tell(o)
}

func (h *host) observation(port uint16, probe string, begun, finished time.Time) record.Observation {
	if begun.IsZero() {
		begun = time.Now()
		finished = begun
	}
	return record.Observation{
		Schema: record.Schema,
		Host:   h.target.Host,
		Port:   port,
		Probe:  probe,
		At:     begun.UTC(),
		Ms:     float64(finished.Sub(begun).Microseconds()) / 1000,
	}
}

func (h *host) tell(o record.Observation) {
	h.seen = append(h.seen, o)
	h.emit(o)
}

// mailbox takes events from any goroutine without ever blocking it.
type mailbox struct {
	mu     sync.Mutex
	events []event
	signal chan struct{} // one element: there are events
}

func (m *mailbox) put(e event) {
	m.mu.Lock()
	m.events = append(m.events, e)
	m.mu.Unlock()
	select {
	case m.signal <- struct{}{}:
	default:
	}
}

// take waits for events.
func (m *mailbox) take() []event {
	<-m.signal
	m.mu.Lock()
	defer m.mu.Unlock()
	events := m.events
	m.events = nil
	return events
}
