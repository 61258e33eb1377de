package cluster

import (
	"slices"

	"github.com/hostkin/hostkin/fingerprints"
)

// linkOf says what kind of relation the evidence of two hosts shows, the
// closest one. Families of keys and names tell of an operator, the others of
// an image, from which machines are made alike.
func (t *Table) linkOf(seed *profile, j judged) Link {
	var agree, operator []fingerprints.Kind
	for _, e := range j.score.evidence {
		if e.Bits < FamilyBits {
			continue
		}
		if t.kinds[e.Kind].Identity || e.Family == "names" || e.Kind == "cert.issuer" {
			operator = append(operator, e.Kind)
		} else {
			agree = append(agree, e.Kind)
		}
	}
	differ := 0
	for _, c := range j.score.against {
		if c.Kind != Product {
			differ++
		}
	}
	switch {
	case differ == 0 && sameValues(seed, j.profile, "ssh.host_key") && sameOrNone(seed, j.profile, "cert.sha256"):
		isKey := func(kind fingerprints.Kind) bool { return kind == "ssh.host_key" }
		return Link{SameMachine, slices.Concat([]fingerprints.Kind{"ssh.host_key"}, slices.DeleteFunc(operator, isKey), agree)}
	case len(agree) >= 2 && len(agree) > 2*differ:
		return Link{SameImage, append(agree, operator...)}
	case len(operator) > 0:
		return Link{SameOperator, operator}
	case len(agree) > 0:
		return Link{SameImage, agree}
	}
	return Link{}
}

func sameValues(a, b *profile, kind fingerprints.Kind) bool {
	return len(a.prints[kind]) > 0 && slices.Equal(a.features(kind), b.features(kind))
}

func sameOrNone(a, b *profile, kind fingerprints.Kind) bool {
	return len(a.prints[kind]) == 0 || len(b.prints[kind]) == 0 || sameValues(a, b, kind)
}
