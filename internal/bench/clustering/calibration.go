package main

import (
	"fmt"
	"math"
	"text/tabwriter"
)

// calibration holds what was promised against what came true, by bits.
type calibration struct {
	from []float64 // where each band begins; before the first lies one more
	band []promise
	sure promise // of everything with a confidence of .99 and more
}

// sure is the confidence that must come true for 98 of 100 links.
const sure = .99

// promise is the links of one band.
type promise struct{ Links, Promised, Right float64 }

// newCalibration has the marks of docs/statistics.md as bands: 0 possible, 4.25
// kin, 6.63 a confidence of .99.
func newCalibration() *calibration {
	from := []float64{-5, -2, 0, 2, 4.25, 6.63, 10, 15, 20, 30}
	return &calibration{from: from, band: make([]promise, len(from)+1)}
}

// add counts a share of links, right or not.
func (c *calibration) add(bits, confidence, links, right float64) {
	i := 0
	for i < len(c.from) && bits >= c.from[i] {
		i++
	}
	note := func(p *promise) {
		p.Links, p.Promised, p.Right = p.Links+links, p.Promised+links*confidence, p.Right+right
	}
	note(&c.band[i])
	if confidence >= sure {
		note(&c.sure)
	}
}

// logOdds is the inverse of a confidence, in bits.
func logOdds(confidence float64) float64 { return math.Log2(confidence / (1 - confidence)) }

// printCalibration writes the bands that hold anything.
func printCalibration(name string, c *calibration) error {
	return table(name+"\tlinks\tpromised\tright", func(w *tabwriter.Writer) {
		line := func(band string, p promise) {
			if p.Links > 0 {
				fmt.Fprintf(w, "%s\t%.0f\t%.3f\t%.3f\n", band, p.Links, p.Promised/p.Links, p.Right/p.Links)
			}
		}
		for i, p := range c.band {
			switch {
			case i == 0:
				line(fmt.Sprintf("below %g bits", c.from[0]), p)
			case i == len(c.from):
				line(fmt.Sprintf("%g bits and more", c.from[i-1]), p)
			default:
				line(fmt.Sprintf("%g to %g bits", c.from[i-1], c.from[i]), p)
			}
		}
		line("confidence .99 and more", c.sure)
	})
}

func (c *calibration) total() float64 {
	n := 0.0
	for _, p := range c.band {
		n += p.Links
	}
	return n
}
