package report

import "github.com/hostkin/hostkin/cluster"

// Show is which hosts a table of kin lists.
type Show string

// What can be shown: each shows what those before it do, and more.
const (
	ShowKin      Show = "kin"
	ShowPossible Show = "possible"
	ShowRejected Show = "rejected" // strangers that share a bit or more all the same
	ShowAll      Show = "all"
)

// Shows lists what can be shown.
func Shows() []Show { return []Show{ShowKin, ShowPossible, ShowRejected, ShowAll} }

// lists reports whether k is shown.
func (show Show) lists(k cluster.Kin) bool {
	switch k.Verdict {
	case cluster.VerdictKin:
		return true
	case cluster.VerdictPossible:
		return show != ShowKin
	}
	return show == ShowAll || show == ShowRejected && agreeing(k) >= 1
}
