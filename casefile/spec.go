package casefile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Schema names the format of a case folder.
const Schema = "case/1"

// Spec is what a case is about: case.yaml. It is written once, with what the
// first scan was told, and never changed.
type Spec struct {
	Schema  string    `yaml:"schema"`
	Name    string    `yaml:"name"`
	Why     string    `yaml:"why,omitempty"`
	Who     string    `yaml:"who,omitempty"`
	Contact string    `yaml:"contact,omitempty"` // what scanned servers are told
	Created time.Time `yaml:"created"`           // UTC, whole seconds
	Hostkin string    `yaml:"hostkin"`           // version that made the case

	Seeds          []string `yaml:"seeds,omitempty"`           // hosts known to belong to the provider
	Ranges         []string `yaml:"ranges,omitempty"`          // TARGETs, as given
	Lists          []string `yaml:"lists,omitempty"`           // files of more of them (-l)
	Exclusions     []string `yaml:"exclusions,omitempty"`      // --exclude
	ExclusionLists []string `yaml:"exclusion_lists,omitempty"` // --exclude-file
	Ports          string   `yaml:"ports,omitempty"`           // as of --ports; "": the usual ones
	OrderKey       uint64   `yaml:"order_key"`                 // of the permutation of targets
	Targets        Space    `yaml:"targets"`
	Probes         Probes   `yaml:"probes"`
	Rates          Rates    `yaml:"rates"`
}

// Space tells the set of targets by its contents, since lists may change.
type Space struct {
	Count  uint64 `yaml:"count"`
	SHA256 string `yaml:"sha256"` // targets.Set.Digest, exclusions left aside, in hex
}

// Probes is what targets are asked beside the usual.
type Probes struct {
	AllowSpecial bool `yaml:"allow_special"`
	Odd          bool `yaml:"odd"`
	JARM         bool `yaml:"jarm"`
}

// Rates are the limits of the first scan; later ones may choose others.
type Rates struct {
	Workers int     `yaml:"workers"`  // hosts at once
	Rate    float64 `yaml:"rate"`     // connections per second; 0: no limit
	PerHost int     `yaml:"per_host"` // connections at once; 0: no limit
	PerNet  float64 `yaml:"per_net"`  // connections per second to a /24 or /48; 0: no limit
	Timeout string  `yaml:"timeout"`  // of a connection, as time.ParseDuration reads it
}

// The bounds of case.yaml.
const (
	maxSpec     = 1 << 20 // bytes; what YAML makes of them is a hundred times as large
	maxSpecText = 4096    // bytes of one value
	maxSpecList = 65536   // elements
)

// text is the Spec as YAML, which ReadSpec reads back. What would not fit is
// refused here: a case that cannot be opened again is worth nothing.
func (s Spec) text() ([]byte, error) {
	s.Schema = Schema
	s.Created = s.Created.UTC().Truncate(time.Second)
	var b bytes.Buffer
	b.WriteString("# Written once by hostkin, and compared with what each later scan of this case is told.\n")
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(s), e.Close()); err != nil {
		return nil, err
	}
	if _, err := ReadSpec(specName, bytes.NewReader(b.Bytes())); err != nil {
		return nil, fmt.Errorf("what would stand in it is refused: %w; name many targets in a list (-l FILE)", err)
	}
	return b.Bytes(), nil
}

// Difference is a thing in which a scan differs from its case.
type Difference struct{ What, Case, Now string }

func (d Difference) Error() string {
	return fmt.Sprintf("%s: the case has %s, this scan %s", d.What, cmp.Or(d.Case, "none"), cmp.Or(d.Now, "none"))
}

// Differences tells in what now would not be the same scan as s: targets,
// ports, probes and order. Contact and rates may change, and exclusions may be
// added, but those of the case must stay.
func (s Spec) Differences(now Spec) (out []Difference) {
	add := func(what string, differs bool, was, is any) {
		if differs {
			out = append(out, Difference{what, fmt.Sprint(was), fmt.Sprint(is)})
		}
	}
	words := func(a, b []string) string { return short(slices.Concat(a, b)) }
	if s.Targets != now.Targets {
		was, is := words(s.Ranges, s.Lists), words(now.Ranges, now.Lists)
		if was == is {
			is += " with other contents"
		}
		out = append(out, Difference{"targets", fmt.Sprintf("%d: %s", s.Targets.Count, was), fmt.Sprintf("%d: %s", now.Targets.Count, is)})
	}
	add("--ports", s.Ports != now.Ports, cmp.Or(s.Ports, "the usual ones"), cmp.Or(now.Ports, "the usual ones"))
	add("--order-key", s.OrderKey != now.OrderKey, s.OrderKey, now.OrderKey)
	add("--allow-special", s.Probes.AllowSpecial != now.Probes.AllowSpecial, s.Probes.AllowSpecial, now.Probes.AllowSpecial)
	add("--odd", s.Probes.Odd != now.Probes.Odd, s.Probes.Odd, now.Probes.Odd)
	add("--no-jarm", s.Probes.JARM != now.Probes.JARM, !s.Probes.JARM, !now.Probes.JARM)
	for _, x := range s.Exclusions {
		add("--exclude", !slices.Contains(now.Exclusions, x), x, "")
	}
	for _, x := range s.ExclusionLists {
		add("--exclude-file", !slices.Contains(now.ExclusionLists, x), x, "")
	}
	return out
}

// short is a list for a message.
func short(list []string) string {
	const most = 5
	if len(list) > most {
		return strings.Join(list[:most], " ") + fmt.Sprintf(" and %d more", len(list)-most)
	}
	return strings.Join(list, " ")
}
