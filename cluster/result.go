package cluster

import (
	"slices"

	"github.com/hostkin/hostkin/fingerprints"
)

// Verdict is what the evidence says of a host.
type Verdict string

// The verdicts. Kin needs log-odds of at least 4.25 bits (.95) and two
// families or one clean identity value; possible needs log-odds of at least 0.
const (
	VerdictKin      Verdict = "kin"
	VerdictPossible Verdict = "possible"
	VerdictStranger Verdict = "stranger"
)

func (v Verdict) rank() int {
	return slices.Index([]Verdict{VerdictKin, VerdictPossible, VerdictStranger}, v)
}

// Evidence is a value that two hosts share.
type Evidence struct {
	Kind   fingerprints.Kind `json:"kind"`
	Value  string            `json:"value"`
	Bits   float64           `json:"bits"`
	HeldBy int               `json:"held_by"` // hosts of the scan that hold the value
	Family string            `json:"family,omitempty"`

	Networks   int     `json:"networks,omitempty"`   // autonomous systems that the holders are in; 0: not known
	Prevalence float64 `json:"prevalence,omitempty"` // share of strangers taken to hold it
	Baseline   float64 `json:"baseline,omitempty"`   // share of the baseline's hosts that hold it; 0: no baseline, or not in it
	Common     string  `json:"common,omitempty"`     // why it counts as common: what ships it, the reason on a negative list, or that a public CA does
}

// Conflict is a question that two hosts answer differently.
type Conflict struct {
	Kind   fingerprints.Kind `json:"kind"` // or Product: then only Bits and Family are set
	Port   uint16            `json:"port"`
	Seed   string            `json:"seed"`
	Host   string            `json:"host"`
	Bits   float64           `json:"bits"` // negative
	Family string            `json:"family,omitempty"`
	Not    string            `json:"not,omitempty"`    // no difference: the host shares Host, a value, with this one, which is known to be no kin
	Differ int               `json:"differ,omitempty"` // of a kind with parts: how many of them differ,
	Of     int               `json:"of,omitempty"`     // of how many that both answered; Kind is the first of them
}

// Product is the kind and the family of a Conflict that is no question: the
// doubt that a product which both hosts run explains everything that they share.
const Product = "product"

// Asked is what it cost to look at a host and what was left out.
type Asked struct {
	Connections int      `json:"connections"`
	Skipped     []string `json:"skipped,omitempty"` // probes, in the order of their names
}

// Kin is the judgement of one host against a seed, one line of "kin/1".
// Bits = sum of Evidence + sum of Against - Prior.
type Kin struct {
	Schema     string     `json:"schema"`
	Host       string     `json:"host"`
	Verdict    Verdict    `json:"verdict"`
	Bits       float64    `json:"bits"`
	Confidence float64    `json:"confidence"` // 1/(1+2^-bits), at most .999, less by hop
	Prior      float64    `json:"prior"`
	Hop        int        `json:"hop"`
	Via        string     `json:"via"`            // the seed, or the kin, that it was compared with
	Evidence   []Evidence `json:"evidence"`       // the largest agreement of each family: what counts
	Also       []Evidence `json:"also,omitempty"` // shared as well, of families that are already counted: 0 bits
	Against    []Conflict `json:"against"`        // the most negative conflict of each family
	Link       Link       `json:"link,omitzero"`
	Rank       float64    `json:"rank,omitempty"` // mass of the random walk from the seeds, in parts of a million
	Why        []Step     `json:"why,omitempty"`  // the way from a seed to the host that most of the walk takes
	Probes     Asked      `json:"probes"`
}

// Link says what two hosts that are kin have in common beside the provider.
type Link struct {
	Type    LinkType            `json:"type"`
	Reasons []fingerprints.Kind `json:"reasons"` // what both share that shows it, the most telling first
}

// LinkType is the closest of these relations that the evidence shows.
type LinkType string

// The types of links, the closest first.
const (
	SameMachine  LinkType = "same machine"  // the same host keys, and no question answered differently
	SameImage    LinkType = "same image"    // one template: what is set up alike, whatever the keys
	SameOperator LinkType = "same operator" // keys or names in common across different images
)

// Step is one step of a way through the graph: to a host by a value that it
// holds together with the host before. The first step is a seed, without a value.
type Step struct {
	Host  string            `json:"host"`
	Kind  fingerprints.Kind `json:"kind,omitempty"`
	Value string            `json:"value,omitempty"`
}

// Group is hosts held together by links, one line of "cluster/1".
type Group struct {
	Schema     string     `json:"schema"`
	ID         int        `json:"id"`
	Confidence float64    `json:"confidence"`
	Label      string     `json:"label,omitempty"` // "tenant", "cdn": held by one identity value alone
	Hosts      []string   `json:"hosts"`
	Evidence   []Evidence `json:"evidence"`
	Bridges    []Bridge   `json:"bridges"`
	Related    []Related  `json:"related,omitempty"` // neighbours, the strongest tie first; only when asked for
}

// Related is a neighbouring group and everything that ties the two.
type Related struct {
	To      int      `json:"to"`
	Hosts   int      `json:"hosts"` // in the neighbour
	Bits    float64  `json:"bits"`  // of the strongest bridge
	Bridges []Bridge `json:"bridges"`
}

// Bridge is a weak tie to another group.
type Bridge struct {
	To    int               `json:"to"`
	Kind  fingerprints.Kind `json:"kind"`
	Value string            `json:"value"`
	Bits  float64           `json:"bits"`
}
