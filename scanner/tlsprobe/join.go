package tlsprobe

import "github.com/hostkin/hostkin/scanner/record"

// Join makes one record of the answers to several hellos of an endpoint, as
// the probe does, and says how it went. Of the answers to one hello the first
// counts; those to hellos of others count only where there is none to the
// probe's. There is at least one answer.
func Join(sni string, answers []record.TLSAnswer) (*record.TLS, record.Status) {
	var list []*record.TLSAnswer
	add := func(letter string) {
		for i := range answers {
			if answers[i].Hello == letter {
				list = append(list, &answers[i])
				return
			}
		}
	}
	for _, letter := range letters() {
		add(letter)
	}
	if len(list) == 0 {
		add("")
	}
	status := list[0].Status
	for _, a := range list {
		if a.Status == record.OK {
			status = record.OK
		}
	}
	return together(sni, list), status
}
