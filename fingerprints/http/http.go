// Package http derives fingerprints from what a web server answered.
package http

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/scanner/record"
)

// The kinds, as in a fingerprint/1 line. All but the favicon's, ErrorPage,
// H2Settings and PlainToTLS come from the root page.
const (
	// HeaderOrder is HHHash (CIRCL): "hhh:1:" and the SHA-256 of the field
	// names as sent, joined by ':'.
	HeaderOrder = "http.header_order"
	// Server is the Server field.
	Server = "http.server"
	// Title is the text of <title>, its entities decoded, its white space
	// collapsed, the host's own name and address replaced by {host}.
	Title = "http.title"
	// TitlePattern is the title with numbers and identifiers as '#': hosts
	// that show their own name in it have this in common.
	TitlePattern = "http.title_pattern"
	// FaviconMMH3 is the signed murmur3 (32 bits, seed 0) of the base64 of
	// the favicon in lines of 76 characters, as search engines index it.
	FaviconMMH3 = "http.favicon_mmh3"
	// FaviconSHA256 is the SHA-256 of the favicon, in hex.
	FaviconSHA256 = "http.favicon_sha256"
	// BodySHA256 is the SHA-256 of the whole body, in hex.
	BodySHA256 = "http.body_sha256"
	// BodyShape is a similarity hash of the markup, see bodyShape.
	BodyShape = "http.body_shape"
	// Redirect is the shape of the Location of a 3xx answer, see redirect.
	Redirect = "http.redirect"
	// ErrorPage is the answer to a path that no server has: status code,
	// digest of the field names, digest of the body without what differs
	// from host to host and from hour to hour. The answers to odd requests
	// are further values, each after the name of its request.
	ErrorPage = "http.error_page"
	// CookieNames are the names of the cookies set, in order, hexadecimal
	// identifiers and numbers replaced by '#'.
	CookieNames = "http.cookie_names"
	// PoweredBy is what the fields that name software beside Server say.
	PoweredBy = "http.powered_by"
	// H2Settings are the SETTINGS of an HTTP/2 server in wire order and its
	// WINDOW_UPDATE: "3:128;4:65536 +2147418112".
	H2Settings = "http.h2_settings"
	// PlainToTLS is how a TLS port answers plain HTTP, see refusal.
	PlainToTLS = "http.plain_to_tls"
)

// Of derives the fingerprints of one answer, in the order of the kinds above.
// What was not seen whole has none. names are further names and addresses of
// the host, beside the one that it was asked by.
func Of(h *record.HTTP, names ...string) []value.Pair {
	if h == nil {
		return nil
	}
	var out value.List
	own := ownNames(h, names)
	if p := h.Root; whole(p) {
		fields := parseHead(p.Head)
		out.Add(HeaderOrder, headerOrder(fields))
		out.Add(Server, value.Text(strings.Join(values(fields, "Server"), ", ")))
		body, complete := decoded(p, fields)
		text := own.replace(title(body))
		out.Add(Title, value.Text(text))
		out.Add(TitlePattern, value.Text(value.Template(text)))
		favicon(h.Favicon, &out)
		if complete && len(body) > 0 {
			out.Add(BodySHA256, value.SHA256(body))
			out.Add(BodyShape, bodyShape(body))
		}
		if p.Code/100 == 3 {
			out.Add(Redirect, redirect(fields, own))
		}
		errorPages(h, own, &out)
		out.Add(CookieNames, value.Text(cookieNames(fields)))
		out.Add(PoweredBy, value.Text(poweredBy(fields, own)))
	} else {
		favicon(h.Favicon, &out)
		errorPages(h, own, &out)
	}
	out.Add(H2Settings, h2Settings(h.H2))
	if h.Plain != nil {
		out.Add(PlainToTLS, refusal(h.Plain, own))
	}
	return out
}

// whole tells whether the head of a page came whole: only then it has a code.
func whole(p *record.Page) bool { return p != nil && p.Code != 0 }

// field is one field line, its name as sent.
type field struct{ name, value string }

// parseHead splits a head into its fields, in wire order. Folded lines belong
// to the field before them (RFC 9112 section 5.2); lines without a colon are dropped.
func parseHead(head []byte) []field {
	_, rest, _ := strings.Cut(string(head), "\n")
	var out []field
	for line := range strings.SplitSeq(rest, "\n") {
		line = strings.TrimSuffix(line, "\r")
		name, value, ok := strings.Cut(line, ":")
		switch {
		case line == "":
		case line[0] == ' ' || line[0] == '\t':
			if len(out) > 0 {
				out[len(out)-1].value += " " + strings.TrimSpace(line)
			}
		case ok:
			out = append(out, field{name, strings.TrimSpace(value)})
		}
	}
	return out
}

func values(fields []field, name string) []string {
	var out []string
	for _, f := range fields {
		if strings.EqualFold(strings.TrimSpace(f.name), name) {
			out = append(out, f.value)
		}
	}
	return out
}

// headerOrder is HHHash, version 1.
func headerOrder(fields []field) string {
	if len(fields) == 0 {
		return ""
	}
	return "hhh:1:" + value.SHA256(namesOf(fields))
}

func namesOf(fields []field) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return strings.Join(names, ":")
}

func cookieNames(fields []field) string {
	var names []string
	for _, cookie := range values(fields, "Set-Cookie") {
		name, _, _ := strings.Cut(cookie, "=")
		names = append(names, value.Template(strings.TrimSpace(name)))
	}
	return strings.Join(names, ", ")
}

// poweredBy lists the fields that name software, in wire order, without the
// host's own name.
func poweredBy(fields []field, own names) string {
	var all []string
	for _, f := range fields {
		switch name := strings.ToLower(strings.TrimSpace(f.name)); name {
		case "via", "x-powered-by", "x-generator", "x-aspnet-version", "x-aspnetmvc-version":
			all = append(all, name+": "+withoutIDs(own.replace(f.value)))
		}
	}
	return strings.Join(all, "; ")
}

func h2Settings(h *record.H2) string {
	if h == nil {
		return ""
	}
	var all []string
	for _, s := range h.Settings {
		all = append(all, fmt.Sprintf("%d:%d", s.ID, s.Value))
	}
	text := strings.Join(all, ";")
	if len(all) == 0 {
		text = "empty"
	}
	if h.WindowUpdate != 0 {
		text += " +" + strconv.FormatUint(uint64(h.WindowUpdate), 10)
	}
	return value.Text(text)
}
