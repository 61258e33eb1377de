package http

import (
	"fmt"
	"strconv"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/scanner/record"
)

// errorPages adds a value for each question that a server cannot answer well.
func errorPages(h *record.HTTP, own names, out *value.List) {
	if whole(h.Missing) {
		out.Add(ErrorPage, refusal(h.Missing, own))
	}
	for i := range h.Odd {
		odd := &h.Odd[i]
		text := refusal(&odd.Page, own)
		if text == "reset" {
			text = "closed" // it depends on whether the server had read to the end
		}
		if text != "" {
			out.Add(ErrorPage, value.Text(odd.Request+":"+text))
		}
	}
}

// refusal is how a server takes a request that it does not like:
//
//	404 16-hex-digits 16-hex-digits   code, field names, body; "-" is a body that is empty or cut at the cap
//	raw 16-hex-digits                 a body without a head, as of HTTP/0.9
//	alert 2 10                        a TLS alert: level and code (RFC 8446 section 6)
//	closed, reset                     no answer, but FIN or RST
//
// Bodies are hashed as templates. "" is an answer that did not come, or not
// to its end.
func refusal(p *record.Page, own names) string {
	switch {
	case whole(p):
		return errorPage(p, own)
	case p.Status == record.Malformed && isAlert(p.Body):
		return fmt.Sprintf("alert %d %d", p.Body[5], p.Body[6])
	case p.Status == record.Malformed && len(p.Body) > 0:
		return "raw " + value.SHA256(sameEverywhere(string(p.Body), p.Path, own))[:16]
	case len(p.Head)+len(p.Body) > 0:
		return ""
	case p.Status == record.Closed || p.Status == record.Reset:
		return string(p.Status)
	}
	return ""
}

// isAlert tells an alert record (RFC 8446 section 5.1: type 21, two bytes long).
func isAlert(b []byte) bool {
	return len(b) >= 7 && b[0] == 21 && b[1] == 3 && b[3] == 0 && b[4] == 2
}

// errorPage is "404 16-hex-digits 16-hex-digits": code, names, body. The record
// has no body of an odd request that was answered as if nothing were wrong with
// it: that would be a site's, and change as it likes.
func errorPage(p *record.Page, own names) string {
	fields := parseHead(p.Head)
	body, complete := decoded(p, fields)
	if p.Status != record.OK {
		return ""
	}
	text := "-"
	if complete && len(body) > 0 {
		text = value.SHA256(sameEverywhere(string(body), p.Path, own))[:16]
	}
	return strconv.Itoa(p.Code) + " " + value.SHA256(namesOf(fields))[:16] + " " + text
}
