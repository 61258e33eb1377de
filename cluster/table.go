package cluster

import (
	"bytes"
	"embed"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/hostkin/hostkin/cluster/baseline"
	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/fingerprints/http"
	"github.com/hostkin/hostkin/fingerprints/value"
)

//go:embed data/*.yaml
var data embed.FS

// kindInfo is one row of data/kinds.yaml.
type kindInfo struct {
	Kind     fingerprints.Kind `yaml:"kind"`
	Family   string            `yaml:"family"`
	Identity bool              `yaml:"identity"` // never a conflict; one clean value is enough for a verdict; u is not re-estimated
	U        float64           `yaml:"u"`
	Stock    float64           `yaml:"stock"`
	M        float64           `yaml:"m"`
	Later    bool              `yaml:"later"`
	Part     fingerprints.Kind `yaml:"part"`     // the kind that this is a component of: differences are graded
	Labelled bool              `yaml:"labelled"` // "label:" begins answers to several questions: each compares with its own
	Mute     bool              `yaml:"mute"`     // does not speak against: another kind says it better
	Near     int               `yaml:"near"`     // distance up to which two values count as one; 0: only equal ones do
	Reason   string            `yaml:"reason"`
}

// stockEntry is one value that everybody has who installs a package.
type stockEntry struct {
	Kind     fingerprints.Kind `yaml:"kind"`
	Value    string            `yaml:"value"`
	Products []string          `yaml:"products"`
}

// why says who has the value.
func (e stockEntry) why() string {
	switch n := len(e.Products) - 1; {
	case n < 0:
		return "shipped by a package"
	case n == 0:
		return "shipped by " + e.Products[0]
	case n == 1:
		return "shipped by " + e.Products[0] + " and " + e.Products[1]
	default:
		return fmt.Sprintf("shipped by %s and %d others", e.Products[0], n)
	}
}

// feature identifies a value of a kind, wherever it was seen.
type feature struct {
	kind  fingerprints.Kind
	value string
}

// Table is what hostkin knows of values before a scan: the default
// prevalences and the stock list.
type Table struct {
	kinds map[fingerprints.Kind]*kindInfo
	stock map[feature]string            // why a value is common
	near  map[fingerprints.Kind]*nearby // stock values of kinds with Near
	gone  map[feature]bool              // withdrawn: neither for nor against

	network  func(netip.Addr) uint32 // autonomous system of an address, 0: not known
	baseline *baseline.Baseline      // nil: none
}

// UseBaseline makes the prevalences of other hosts count beside those of a scan.
func (t *Table) UseBaseline(b *baseline.Baseline) { t.baseline = b }

// UseNetworks makes the table tell values of one network from values that are
// spread all over: lookup gives the autonomous system of an address, 0 if it is not known.
func (t *Table) UseNetworks(lookup func(netip.Addr) uint32) { t.network = lookup }

// Kinds lists the kinds that are weighed, by name.
func (t *Table) Kinds() []fingerprints.Kind { return slices.Sorted(maps.Keys(t.kinds)) }

// Withdraw takes a value out of every judgement, as if no host had given it.
func (t *Table) Withdraw(kind fingerprints.Kind, value string) error {
	if t.kinds[kind] == nil {
		return fmt.Errorf("withdraw %s=%s: there is no such kind; the kinds are %v", kind, value, t.Kinds())
	}
	t.gone[feature{kind, value}] = true
	return nil
}

func (t *Table) withdrawn(kind fingerprints.Kind, value string) bool {
	return len(t.gone) > 0 && t.gone[feature{kind, value}]
}

// Defaults loads the embedded table. The error is a fault in the embedded
// data, which a test of this package excludes.
func Defaults() (*Table, error) {
	kinds, err := loadKinds()
	if err != nil {
		return nil, err
	}
	t := &Table{kinds: kinds, stock: map[feature]string{}, near: map[fingerprints.Kind]*nearby{}, gone: map[feature]bool{}}
	var shipped []stockEntry
	if err := load("data/stock.yaml", &shipped); err != nil {
		return nil, err
	}
	for _, e := range shipped {
		if t.kinds[e.Kind] == nil {
			return nil, fmt.Errorf("data/stock.yaml: value %q has the unknown kind %q", e.Value, e.Kind)
		}
		t.addStock(e.Kind, e.Value, e.why())
	}
	text, err := data.ReadFile("data/negative.yaml")
	if err != nil {
		return nil, err
	}
	negative, err := readNegative("data/negative.yaml", bytes.NewReader(text), time.Time{}, kinds)
	if err != nil {
		return nil, err
	}
	t.AddNegative(negative)
	return t, nil
}

// loadKinds reads and checks data/kinds.yaml.
func loadKinds() (map[fingerprints.Kind]*kindInfo, error) {
	var list []kindInfo
	if err := load("data/kinds.yaml", &list); err != nil {
		return nil, err
	}
	kinds := map[fingerprints.Kind]*kindInfo{}
	for i, k := range list {
		if k.Family == "" || k.Reason == "" || !(k.U > 0 && k.U <= k.Stock && k.Stock < k.M && k.M < 1) {
			return nil, fmt.Errorf("data/kinds.yaml: kind %q: want a family, a reason and 0 < u <= stock < m < 1", k.Kind)
		}
		if k.Near < 0 || k.Near > http.MaxDistance {
			return nil, fmt.Errorf("data/kinds.yaml: kind %q: near is %d, want 0 to %d", k.Kind, k.Near, http.MaxDistance)
		}
		if kinds[k.Kind] != nil {
			return nil, fmt.Errorf("data/kinds.yaml: kind %q stands twice", k.Kind)
		}
		kinds[k.Kind] = &list[i]
	}
	for _, k := range list {
		if k.Part != "" && (kinds[k.Part] == nil || !kinds[k.Part].Mute) {
			return nil, fmt.Errorf("data/kinds.yaml: kind %q: is part of %q, which must be there and mute, or they would speak twice", k.Kind, k.Part)
		}
	}
	return kinds, nil
}

// addStock puts a value on the stock list, and a title's pattern with it.
func (t *Table) addStock(kind fingerprints.Kind, v, why string) {
	t.stock[feature{kind, v}] = why
	if kind == "http.title" {
		pattern := feature{"http.title_pattern", value.Template(v)}
		if t.stock[pattern] == "" { // what is said of the pattern itself says it better
			t.stock[pattern] = why
		}
	}
}

// isStock reports whether everybody may have a value.
func (t *Table) isStock(f feature) bool { return t.stock[f] != "" }

func load(name string, into any) error {
	text, err := data.ReadFile(name)
	if err != nil {
		return err
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// rarity is what the table alone knows of a value.
func (t *Table) rarity(f feature) rarity {
	k := t.kinds[f.kind]
	if t.isStock(f) {
		return rarity{start: k.Stock, floor: k.Stock, excess: 1}
	}
	return rarity{start: k.U, floor: k.U, excess: 1}
}

// clone is a table whose list of common values can be added to.
func (t *Table) clone() *Table {
	c := *t
	c.stock = maps.Clone(t.stock)
	return &c
}

// software reports whether f tells of the programs that run rather than of
// who runs them. So does a page that comes with a package.
func (t *Table) software(f feature) bool {
	if t.isStock(f) {
		return true
	}
	switch t.kinds[f.kind].Family {
	case "tls", "ssh", "http", "tcp", "service":
		return true
	}
	return false
}
