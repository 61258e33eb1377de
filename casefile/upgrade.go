package casefile

import (
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// upgrades lead from one version of case.yaml to the next: the function at i
// turns the mapping of case/(i+1) into that of case/(i+2), in memory only. So a
// case of any earlier hostkin can be read as long as its function stays here.
// There has been one version so far.
func upgrades() []func(root *yaml.Node) error { return nil }

// upgrade brings the mapping to the version that this hostkin reads; false
// after a fault.
func (r *specReader) upgrade(root *yaml.Node) bool {
	return r.upgradeBy(root, upgrades())
}

func (r *specReader) upgradeBy(root *yaml.Node, steps []func(*yaml.Node) error) bool {
	v := root
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == "schema" {
			v = root.Content[i+1]
			break
		}
	}
	newest := len(steps) + 1
	text, ok := strings.CutPrefix(v.Value, "case/")
	version, err := strconv.Atoi(text)
	switch {
	case v == root:
		r.fault(root, "no schema; a case begins with schema: %s", Schema)
		return false
	case v.Kind != yaml.ScalarNode || !ok || err != nil || version < 1:
		r.fault(v, "schema %.80q is none of a case; this hostkin reads case/1 to case/%d", v.Value, newest)
		return false
	case version > newest:
		r.fault(v, "schema %.80q is of a later hostkin; this one reads up to case/%d: use the hostkin that wrote the case", v.Value, newest)
		return false
	}
	for i := version; i < newest; i++ {
		if err := steps[i-1](root); err != nil {
			r.fault(root, "upgrade from case/%d to case/%d: %v", i, i+1, err)
			return false
		}
		v.Value = fmt.Sprintf("case/%d", i+1)
	}
	return true
}
