package main

import (
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/hostkin/hostkin/scanner/sshprobe"
)

// checkContact accepts what may stand in a User-Agent and in an SSH
// identification: a web address, a mail address or a telephone number, without
// a byte that could end the field. "" stays "": no contact.
func checkContact(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	text, err := contactURI(text, "https", "mailto", "tel", "http")
	if err == nil && len(text) > sshprobe.MaxContact {
		err = fmt.Errorf("is longer than %d characters, which is what an SSH identification has room for (RFC 4253 section 4.2)", sshprobe.MaxContact)
	}
	if err != nil {
		return "", fmt.Errorf("--contact %q: %w", text, err)
	}
	return text, nil
}

// contactURI completes and checks a URI under which somebody can be reached. A
// bare mail address becomes a mailto URI.
func contactURI(text string, schemes ...string) (string, error) {
	if address, err := mail.ParseAddress(text); err == nil && address.Address == text && !strings.ContainsAny(text, " <>:\"") {
		text = "mailto:" + text
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || r == '(' || r == ')' }) {
		return text, errors.New("has characters that no URI has, or brackets, which would end a comment; write them as %XX")
	}
	u, err := url.Parse(text)
	if err != nil || !slices.Contains(schemes, u.Scheme) {
		return text, fmt.Errorf("must be a mail address or a URI with the scheme %s", strings.Join(schemes, ", "))
	}
	reachable := true
	switch u.Scheme {
	case "mailto": // RFC 6068; what follows a ? are fields of the letter
		address, err := url.PathUnescape(u.Opaque)
		parsed, wrong := mail.ParseAddress(address)
		reachable = err == nil && wrong == nil && parsed.Address == address
	case "tel": // RFC 3966 section 3: global numbers, for who calls from elsewhere needs the country
		reachable = regexp.MustCompile(`^\+[0-9.-]*[0-9][0-9.-]*(;[A-Za-z0-9-]+(=[^;]*)?)*$`).MatchString(u.Opaque)
	default:
		reachable = u.Hostname() != "" && u.User == nil
	}
	if !reachable {
		return text, errors.New(map[string]string{
			"mailto": "must name one mail address, as mailto:lab@example.net",
			"tel":    "must be a number with its country, as tel:+1-201-555-0123",
			"https":  "must name a host, and no user",
			"http":   "must name a host, and no user",
		}[u.Scheme])
	}
	return text, nil
}
