package http

import (
	"net"
	"strings"

	"github.com/hostkin/hostkin/fingerprints/value"
)

// redirect is the shape of the Location: scheme, host and port, path, keys of
// the query. The host's own name is {host}, numbers and identifiers are '#':
// https://203.0.113.9/u/17?next=/ of 203.0.113.9 is https://{host}/u/#?next.
func redirect(fields []field, own names) string {
	locations := values(fields, "Location")
	if len(locations) == 0 {
		return ""
	}
	to, fragment, hasFragment := strings.Cut(locations[0], "#")
	to, query, hasQuery := strings.Cut(to, "?")
	shape := ""
	if scheme, rest, ok := strings.Cut(to, "//"); ok && !strings.Contains(scheme, "/") {
		host, path, hasPath := strings.Cut(rest, "/")
		shape, to = scheme+"//"+own.hostShape(host), ""
		if hasPath {
			to = "/" + path
		}
	}
	shape += pathShape(to)
	if hasQuery {
		shape += "?" + queryKeys(query)
	}
	if hasFragment { // of an application that routes by it
		shape += "#" + pathShape(fragment)
	}
	return value.Text(shape)
}

// hostShape is a host and its port. The port stays: it is somebody's choice.
func (n names) hostShape(host string) string {
	port := ""
	if name, number, err := net.SplitHostPort(host); err == nil {
		host, port = name, ":"+number
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	for _, name := range n {
		name = strings.ToLower(name)
		if sub, ok := strings.CutSuffix(host, name); ok && (sub == "" || strings.HasSuffix(sub, ".") && net.ParseIP(name) == nil) {
			return value.Template(sub) + "{host}" + port
		}
	}
	return value.Template(host) + port
}

func pathShape(path string) string { return value.Template(withoutIDs(path)) }

func queryKeys(query string) string {
	var keys []string
	for pair := range strings.SplitSeq(query, "&") {
		key, _, _ := strings.Cut(pair, "=")
		keys = append(keys, pathShape(key))
	}
	return strings.Join(keys, "&")
}
