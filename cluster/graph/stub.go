package graph

type Graph struct {
	Start   []uint32
	Links   []uint32
	Weights []float32
	From    []uint32
	Holders []uint32
}

func Communities(g Graph, rounds int) []uint32 {
	hosts, values := len(g.Start)-1, len(g.From)-1
	label := make([]uint32, hosts)
	vl := make([]uint32, values)
	for h := range label {
		label[h] = uint32(h)
	}
	for range rounds {
		for v := range vl {
			hs := g.Holders[g.From[v]:g.From[v+1]]
			if len(hs) < 2 {
				continue
			}
			c := map[uint32]int{}
			for _, h := range hs {
				c[label[h]]++
			}
			best, n := uint32(0), 0
			for l, k := range c {
				if k > n || k == n && l < best {
					best, n = l, k
				}
			}
			vl[v] = best
		}
		moved := false
		for h := range label {
			c := map[uint32]float64{}
			for i := g.Start[h]; i < g.Start[h+1]; i++ {
				c[vl[g.Links[i]]] += float64(g.Weights[i])
			}
			best, n := label[h], c[label[h]]
			for l, k := range c {
				if k > n || k == n && l < best {
					best, n = l, k
				}
			}
			moved = moved || best != label[h]
			label[h] = best
		}
		if !moved {
			break
		}
	}
	return label
}
