package transport

import (
	"math"
	"math/bits"
	"net/netip"
	"time"
)

// When a network has stopped answering. A scan meets dead hosts all the time,
// so a row of them means something only where hosts used to answer: the row
// must be so long that chance makes it less often than oddRow, given the share
// of the network's hosts that answered before.
const (
	oddRow      = 1e-4
	leastRow    = 16 // hosts
	prior       = 8  // silent hosts that a network is taken to have besides those seen
	mostHalving = 4  // of the pace: no less than a sixteenth
)

// How long, and of how many networks, it is remembered that they answered.
const (
	rememberNet  = 10 * time.Minute
	rememberNets = 1 << 16
)

// hostSet is a set of hosts of one network: of a /24 exact, of a /48 by hash,
// so that at most 256 hosts count.
type hostSet [4]uint64

func (s *hostSet) add(addr netip.Addr) {
	h := addr.As16()
	n := h[15]
	if addr.Is6() {
		for _, b := range h[6:15] {
			n = n*31 + b
		}
	}
	s[n>>6] |= 1 << (n & 63)
}

func (s *hostSet) count() (n int) {
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// network is what is known of one /24 or /48.
type network struct {
	next     time.Time // free moment
	answered time.Time // last; zero: never
	halved   int       // how often the pace was
	row      int       // silent hosts at the last halving
	asked    hostSet   // hosts that answered or were silent
	up       hostSet   // hosts that answered
	silent   hostSet   // hosts that were silent since the last answer of any
}

// rate is the pace of the network.
func (n *network) rate(perNet float64) float64 { return perNet / float64(int(1)<<n.halved) }

// answer takes in that a host answered: the network recovers a step.
func (n *network) answer(addr netip.Addr, now time.Time) {
	n.asked.add(addr)
	n.up.add(addr)
	n.answered, n.silent, n.row = now, hostSet{}, 0
	n.halved = max(n.halved-1, 0)
}

// silence takes in that a host was silent, and reports whether the pace was
// halved for it. Many ports of one host count once.
func (n *network) silence(addr netip.Addr) bool {
	n.asked.add(addr)
	n.silent.add(addr)
	row := n.silent.count()
	if n.answered.IsZero() || row-n.row < leastRow || n.halved == mostHalving {
		return false
	}
	before := float64(n.up.count())
	share := before / (float64(max(n.asked.count()-row, n.up.count())) + prior)
	if float64(row)*math.Log1p(-share) > math.Log(oddRow) {
		return false
	}
	n.halved++
	n.row = row
	return true
}

// heard takes in how an attempt to connect ended. A network that fell silent
// after it had answered gets half its pace: it is overloaded, or it shuts us
// out. The result is its new pace, if that went down.
func (p *pace) heard(addr netip.Addr, answered bool) (net netip.Prefix, rate float64, slower bool) {
	prefix, limited := p.limited(addr)
	if !limited {
		return prefix, 0, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.nets[prefix]
	switch {
	case answered:
		if n == nil {
			n = p.add(prefix)
		}
		n.answer(addr, time.Now())
	case n == nil: // forgotten, so it did not answer lately
	case n.silence(addr):
		return prefix, n.rate(p.perNet), true
	}
	return prefix, 0, false
}

// limited is the network whose pace addr is subject to, if any: loopback has none.
func (p *pace) limited(addr netip.Addr) (netip.Prefix, bool) {
	if p.perNet <= 0 || addr.IsLoopback() {
		return netip.Prefix{}, false
	}
	length := 24
	if addr.Is6() {
		length = 48
	}
	prefix, err := addr.WithZone("").Prefix(length)
	return prefix, err == nil
}

// add begins to keep a network, and forgets others if they are many: a scan of
// the whole Internet has sixteen million. Those whose moment is not over are
// needed; those that answered lately are, as far as there is room.
func (p *pace) add(prefix netip.Prefix) *network {
	if p.nets == nil {
		p.nets = map[netip.Prefix]*network{}
	}
	n := &network{}
	p.nets[prefix] = n
	if len(p.nets) <= p.limit {
		return n
	}
	now := time.Now()
	for _, keep := range []func(*network) bool{
		func(n *network) bool { return !n.answered.IsZero() && now.Sub(n.answered) < rememberNet },
		func(*network) bool { return false },
	} {
		for net, other := range p.nets {
			if other != n && !other.next.After(now) && !keep(other) {
				delete(p.nets, net)
			}
		}
		if len(p.nets) <= rememberNets {
			break
		}
	}
	p.limit = 2*len(p.nets) + 1024
	return n
}
