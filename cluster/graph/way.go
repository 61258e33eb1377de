package graph

import (
	"container/heap"
	"slices"
)

// Way is how most of the walk gets from a seed to a host: the seed, a value
// that it holds, another holder of it, and so on to the host; nil if the walk
// did not get there. Of equal ways it takes the link that its host lists
// first, and then the smaller host.
func (r *Ranking) Way(host uint32) []uint32 {
	h, ok := r.walk.hosts.index[host]
	if !ok {
		return nil
	}
	ways := r.ways()
	if ways.hosts.strength[h] == 0 {
		return nil
	}
	way := []uint32{host}
	for ways.hosts.before[h] != unseen {
		v := ways.hosts.before[h]
		h = ways.values.before[v]
		way = append(way, r.walk.values.nodes[v].id, r.walk.hosts.nodes[h].id)
	}
	slices.Reverse(way)
	return way
}

// ways is the tree of the strongest ways out of the seeds.
type ways struct {
	hosts, values branches
	queue         queue
	pushed        uint32
}

// branches has for each node the probability of the way and the node before.
type branches struct {
	strength []float64
	before   []uint32
	done     []bool
}

// strongest is Dijkstra's algorithm for the greatest product of the
// probabilities along a way: that the walk goes on, takes the link, and goes
// to the holder. Products alone need no logarithm, and are the same on every
// machine.
func (k *walk) strongest() *ways {
	w := &ways{hosts: newBranches(len(k.hosts.nodes)), values: newBranches(len(k.values.nodes))}
	for _, h := range k.seeds {
		w.hosts.strength[h] = 1
		w.add(1, h, false)
	}
	for len(w.queue) > 0 {
		at := heap.Pop(&w.queue).(reached)
		tree, nodes := &w.hosts, k.hosts.nodes
		if at.value {
			tree, nodes = &w.values, k.values.nodes
		}
		if tree.done[at.node] {
			continue
		}
		tree.done[at.node] = true
		span := nodes[at.node].arcs
		if at.value {
			strength := at.strength / float64(span.to-span.from)
			for _, h := range k.back[span.from:span.to] {
				if w.hosts.reach(h, at.node, strength) && k.hosts.nodes[h].arcs.to > 0 {
					w.add(strength, h, false)
				}
			}
			continue
		}
		strength := at.strength * (1 - k.alpha) / float64(nodes[at.node].total)
		for _, a := range k.out[span.from:span.to] {
			if s := strength * float64(a.weight); w.values.reach(a.value, at.node, s) && k.values.nodes[a.value].arcs.to > 0 {
				w.add(s, a.value, true)
			}
		}
	}
	return w
}

func newBranches(n int) branches {
	return branches{make([]float64, n), slices.Repeat([]uint32{unseen}, n), make([]bool, n)}
}

// reach notes a stronger way to a node.
func (b *branches) reach(node, before uint32, strength float64) bool {
	if strength <= b.strength[node] {
		return false
	}
	b.strength[node], b.before[node] = strength, before
	return true
}

// reached is a node on the edge of the tree.
type reached struct {
	strength float64
	turn     uint32 // of equals the first to come is the first to go
	node     uint32
	value    bool
}

type queue []reached

func (w *ways) add(strength float64, node uint32, value bool) {
	heap.Push(&w.queue, reached{strength, w.pushed, node, value})
	w.pushed++
}

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].strength > q[j].strength || q[i].strength == q[j].strength && q[i].turn < q[j].turn
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(reached)) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
