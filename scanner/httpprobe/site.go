package httpprobe

import (
	"bytes"
	"iter"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"github.com/hostkin/hostkin/scanner/record"
)

// missingPath is the path that no server has. It is the same for all of them,
// so that error pages which repeat it compare.
const missingPath = "/hostkin-asks-for-a-missing-page"

// maxIconPath bounds the path of a favicon that a page names, in bytes.
const maxIconPath = 1024

// site is the origin that is asked, and by whom.
type site struct {
	scheme string
	host   string // Host field: name or address, with the port unless it is the scheme's own
	agent  string
}

func newSite(at record.Endpoint, tls bool, contact string) site {
	s := site{scheme: "http", host: at.Host.Name, agent: userAgent(contact)}
	if s.host == "" {
		s.host = at.Host.IP.WithZone("").String()
		if at.Host.IP.Is6() {
			s.host = "[" + s.host + "]"
		}
	}
	usual := uint16(80)
	if tls {
		s.scheme, usual = "https", 443
	}
	if at.Port != usual {
		s.host += ":" + strconv.Itoa(int(at.Port))
	}
	s.host = visible(s.host)
	return s
}

// userAgent tells who is asking. A contact is given in the form that crawlers
// use and RFC 9511 section 3.1 asks for.
func userAgent(contact string) string {
	if contact = visible(contact); contact == "" {
		return "Mozilla/5.0 (compatible; hostkin/1)"
	}
	return "hostkin/1 (+" + contact + ")"
}

// visible drops what would end a field or its comment: control characters,
// blanks, parentheses and whatever is not ASCII.
func visible(s string) string {
	return strings.Map(func(c rune) rune {
		if c <= ' ' || c > '~' || c == '(' || c == ')' || c == '\\' {
			return -1
		}
		return c
	}, s[:min(len(s), 256)])
}

// request is a GET. It offers no content coding: bodies are kept as they come.
func (s site) request(path string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nHost: " + s.host + "\r\nUser-Agent: " + s.agent +
		"\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n")
}

// icon is the path of the favicon: what the root page links to on this origin,
// else the usual one.
func (s site) icon(page *record.Page) string {
	const usual = "/favicon.ico"
	if page == nil {
		return usual
	}
	base := url.URL{Scheme: s.scheme, Host: s.host, Path: "/"}
	for href := range iconLinks(page.Body) {
		u, err := base.Parse(strings.TrimSpace(href))
		if err != nil || u.Scheme != s.scheme || !strings.EqualFold(u.Host, s.host) {
			continue
		}
		if path := u.RequestURI(); len(path) <= maxIconPath && strings.HasPrefix(path, "/") && printable(path) {
			return path
		}
	}
	return usual
}

func printable(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return c <= ' ' || c > '~' }) < 0
}

// iconLinks yields the href of every <link rel=icon>.
func iconLinks(body []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		z := html.NewTokenizer(bytes.NewReader(body))
		for kind := z.Next(); kind != html.ErrorToken; kind = z.Next() {
			if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
				continue
			}
			name, more := z.TagName()
			if string(name) != "link" {
				continue
			}
			var href string
			isIcon := false
			for more {
				var key, value []byte
				key, value, more = z.TagAttr()
				switch string(key) {
				case "href":
					href = string(value)
				case "rel":
					for word := range strings.FieldsSeq(string(value)) {
						isIcon = isIcon || strings.EqualFold(word, "icon")
					}
				}
			}
			if isIcon && href != "" && !yield(href) {
				return
			}
		}
	}
}
